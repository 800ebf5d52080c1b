/**
 * Functions that came after Chrome 93, Firefox 92 or Safari 15.4, the oldest browsers that docs/client.md promises. A license
 * client could be tempted to call each of them.
 */
export const newerFunctions: readonly string[] = [
  'AbortSignal.any',
  'AbortSignal.timeout',
  'AbortSignal.prototype.throwIfAborted',
  'Array.fromAsync',
  'Array.prototype.findLast',
  'Array.prototype.findLastIndex',
  'Array.prototype.toReversed',
  'Array.prototype.toSorted',
  'Array.prototype.toSpliced',
  'Array.prototype.with',
  'ArrayBuffer.prototype.transfer',
  'Crypto.prototype.randomUUID',
  'Map.groupBy',
  'Navigator.prototype.locks',
  'Object.groupBy',
  'Promise.try',
  'Promise.withResolvers',
  'ReadableStream.prototype.values',
  'Response.json',
  'Response.prototype.bytes',
  'Set.prototype.difference',
  'Set.prototype.intersection',
  'Set.prototype.isSubsetOf',
  'Set.prototype.union',
  'String.prototype.isWellFormed',
  'String.prototype.toWellFormed',
  'URL.canParse',
  'URL.parse',
  'structuredClone',
]

/** Takes functions away from this engine. It stands alone, because Playwright sends its text into a page. */
export function takeAway(paths: readonly string[]): void {
  for (const path of paths) {
    const names = path.split('.')
    const name = names.pop()!
    let owner: object = globalThis
    for (const each of names) owner = Reflect.get(owner, each) as object
    Reflect.deleteProperty(owner, name)
  }
}

/** Returns those of the functions that this engine lacks. It stands alone, for the same reason. */
export function findMissing(paths: readonly string[]): readonly string[] {
  return paths.filter((path) => {
    const names = path.split('.')
    const name = names.pop()!
    let owner: object = globalThis
    for (const each of names) owner = Reflect.get(owner, each) as object
    return !(name in owner)
  })
}
