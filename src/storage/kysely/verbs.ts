import type { Executor } from './executor.ts'

/**
 * The base of all verbs. The class of each noun extends the class of the noun before it, and `KyselySession` is the last of
 * them. So every noun has a file of its own, and yet a session is one object: a transaction costs no more than that.
 */
export abstract class Verbs {
  protected readonly executor: Executor

  constructor(executor: Executor) {
    this.executor = executor
  }
}
