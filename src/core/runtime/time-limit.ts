/** Settles as `done`, or as `late()` if `done` has not settled after this many milliseconds. */
export async function withTimeLimit<T>(done: Promise<T>, milliseconds: number, late: () => T): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)))
  try {
    return await Promise.race([done, limit.then(late)])
  } finally {
    clearTimeout(timer)
  }
}
