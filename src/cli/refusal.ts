/** Something the command line will not do, with a message that says what to do instead. Ends with exit code 1. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}
