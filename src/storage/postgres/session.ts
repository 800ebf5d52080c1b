/** The result of a statement: its rows, and its command tag, such as `COMMIT`. */
export interface Result extends Iterable<unknown> {
  readonly command?: string | null
  readonly count?: number | null
}

/** Runs statements. A client of postgres.js is one, and so are its transactions and reserved connections. */
export interface Runner {
  unsafe(sql: string, parameters?: any[], options?: { readonly prepare?: boolean }): Promise<Result>
}

/** One connection, between `acquire` and `release`. */
export interface Session {
  /** Rejects with the driver's error. In a transaction whose connection was lost, it rejects and has no other effect. */
  run(sql: string, parameters: readonly unknown[]): Promise<Result>
  begin(mode: string): Promise<void>
  commit(): Promise<void>
  /** Never rejects, because a server drops a transaction whose connection it loses. */
  rollback(): Promise<void>
}

/** A source of sessions. */
export interface Sessions {
  acquire(): Promise<Session>
  release(session: Session): void
  /** The storage calls this when no session is in use. */
  close(): Promise<void>
}

/** The error that the driver has for a lost connection. The storage turns it into `unavailable`. */
export function connectionLost(): Error {
  return Object.assign(new Error('The connection was lost'), { code: 'CONNECTION_CLOSED' })
}

/** Runs a statement. It is prepared once for each connection, unless the client has `prepare: false`. */
export function runOn(runner: Runner, sql: string, parameters: readonly unknown[]): Promise<Result> {
  return runner.unsafe(sql, [...parameters], { prepare: true })
}

/** If a statement of the transaction has failed, PostgreSQL answers `commit` with ROLLBACK. */
export function requireCommitted(result: Result): void {
  if (result.command === 'COMMIT') return
  throw new Error('The transaction was rolled back: a statement in it had failed')
}
