/** Tasks that run in the background. The group can wait for all of them. */
export class TaskGroup {
  readonly #tasks = new Set<Promise<unknown>>()

  /** Adds a task to the group. Returns the same promise: the caller handles its failure. */
  add<T>(task: Promise<T>): Promise<T> {
    const ended = task.catch(() => {}).finally(() => this.#tasks.delete(ended))
    this.#tasks.add(ended)
    return task
  }

  /** Resolves when no task is left, including those added meanwhile. */
  async whenIdle(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all(this.#tasks)
  }
}
