import { LicensingError } from '../../core/errors.ts'

/** Rejects with `unavailable` if `done` has not settled after this many milliseconds. Without a limit it waits for ever. */
export async function inTime<T>(done: Promise<T>, limit: number | undefined): Promise<T> {
  if (limit === undefined) return done
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_resolve, reject) => {
    const error = new LicensingError('unavailable', 'The transaction took too long')
    timer = setTimeout(() => reject(error), limit)
  })
  try {
    return await Promise.race([done, late])
  } finally {
    clearTimeout(timer)
  }
}
