/**
 * Reads a response's body. It counts while it reads, because a captive portal may send without end.
 *
 * @param maxLength In bytes. The default is longer than any other response of Heartwood's server than its statements.
 * @throws {TypeError} as soon as the body is too long.
 */
export async function readBody(response: Response, maxLength: number = 256 * 1024): Promise<string> {
  const { body } = response
  // React Native gives no stream, and a program's own `fetch` perhaps another kind.
  if (typeof body?.getReader !== 'function') return ofLegalLength(await response.text(), maxLength)
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  for (let length = 0; ;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    length += value.byteLength
    if (length > maxLength) {
      // A stream that ignores this must not hold the client up.
      reader.cancel().catch(() => undefined)
      throw tooLong()
    }
    text += decoder.decode(value, { stream: true })
  }
}

function ofLegalLength(text: string, maxLength: number): string {
  if (text.length > maxLength) throw tooLong()
  return text
}

function tooLong(): TypeError {
  return new TypeError('The response is long')
}
