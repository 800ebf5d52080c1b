/** A failure that the user can fix. Its message says how. The command exits with 1. */
export class CliError extends Error {
  override readonly name: string = 'CliError'
}

/** A combination of flags that makes no sense. The command exits with 2, as for a misspelt flag. */
export class UsageError extends CliError {
  override readonly name = 'UsageError'
}

/** The code of an error of the operating system, such as `ENOENT`, for messages. */
export function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code ?? (error as Error).name)
}

/** The failure of a file that is not written over. */
export function cannotCreate(file: string, cause: unknown): CliError {
  const code = codeOf(cause)
  return new CliError(`Cannot create ${file}: ${code === 'EEXIST' ? 'it already exists' : code}`, { cause })
}
