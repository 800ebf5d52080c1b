import process from 'node:process'

/** Reads a text from standard input, and stops soon after `maxLength` characters. */
export async function readStandardInput(maxLength: number): Promise<string> {
  let text = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += String(chunk)
    if (text.length > maxLength) break
  }
  return text
}
