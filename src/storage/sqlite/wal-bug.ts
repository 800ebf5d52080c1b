/**
 * True if this version of SQLite can corrupt a file in WAL mode when two connections write or checkpoint at the same time.
 * These are all versions before 3.51.3, except 3.50.7, 3.44.6 and their later patches.
 */
export function hasWalBug(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  if (major !== 3) return major < 3
  if (minor === 44) return patch < 6
  if (minor === 50) return patch < 7
  return minor < 51 || (minor === 51 && patch < 3)
}
