/**
 * Whether a version of SQLite can corrupt a file in WAL mode when two connections write or checkpoint it at once: all
 * before 3.51.3, but for the corrected 3.50.7 and 3.44.6 and what followed them in their series.
 */
export function hasWalBug(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  if (major !== 3) return major < 3
  if (minor === 44) return patch < 6
  if (minor === 50) return patch < 7
  return minor < 51 || (minor === 51 && patch < 3)
}
