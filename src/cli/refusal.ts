/** Something the command line will not do, with a message that says what to do instead. Ends with exit code 1. */
export class Refusal extends Error {
  override readonly name: string = 'Refusal'
}

/** Flags that make no sense together. Ends with exit code 2, like a misspelt one. */
export class Misuse extends Refusal {
  override readonly name = 'Misuse'
}
