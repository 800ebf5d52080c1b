/** How attempts to send events ended in this process, since it began. */
export interface AttemptCounts {
  readonly delivered: number
  /** Failed, to be tried again. */
  readonly retried: number
  /** Failed for the last time. */
  readonly givenUp: number
}
