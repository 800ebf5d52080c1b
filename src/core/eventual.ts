/** A value, or the promise of one. Work that may be done at once need not wait for a promise, which costs more than a look-up. */
export type Eventual<Value> = Value | Promise<Value>

/** Goes on with a value: at once if it is there, otherwise once its promise resolves. */
export function after<Value, Next>(
  value: Eventual<Value>,
  use: (value: Value) => Eventual<Next>,
): Eventual<Next> {
  return value instanceof Promise ? value.then(use) : use(value)
}
