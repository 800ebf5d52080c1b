/** Copies text. Resolves to `false` if the page may not: over plain http a browser has no clipboard. */
export async function copy(text: string): Promise<boolean> {
  try {
    // A page over plain http lacks the whole object.
    await (navigator.clipboard as Clipboard | undefined)?.writeText(text)
    return 'clipboard' in navigator && navigator.clipboard !== undefined
  } catch {
    return false
  }
}
