/** A part of a PostgreSQL address is unusable. No text of it holds a value of the address. */
export class AddressError extends TypeError {
  override readonly name = 'TypeError'
  /** The broken rule, which begins with "must". */
  readonly rule: string

  constructor(rule: string, options?: ErrorOptions) {
    super(`connectionString ${rule}`, options)
    this.rule = rule
  }
}
