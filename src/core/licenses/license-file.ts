import type { SignedStatement, TrustFile } from '../token/statement.ts'

/** Characters of a file. A program reads no longer one. */
const maxLength = 256 * 1024
const lineLength = 64
const begin = '-----BEGIN HEARTWOOD LICENSE-----'
const end = '-----END HEARTWOOD LICENSE-----'

function armoured(token: string, statements: readonly SignedStatement[]): string {
  // Tokens and statements are plain ASCII.
  const text = btoa(JSON.stringify({ v: 1, token, trust: { v: 1, statements } }))
  const lines = text.match(new RegExp(`.{1,${lineLength}}`, 'g')) ?? []
  return [begin, ...lines, end, ''].join('\n')
}

/**
 * A license file: the token and the statements about signing keys, as text that survives mail. It is not signed as a whole,
 * because each part is by itself. If the statements do not fit, the oldest ones are left out.
 */
export function formatLicenseFile(token: string, { statements }: TrustFile): string {
  for (let from = 0; ; from++) {
    const text = armoured(token, statements.slice(from))
    if (text.length <= maxLength || from === statements.length) return text
  }
}
