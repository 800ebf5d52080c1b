import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { createLicenseClient, LicensingError, type LicenseClient } from '../../src/client/index.ts'
import { describeDefect, readPastedToken } from '../../src/core/token/pasted.ts'
import { createTestServer } from '../../src/testing/server.ts'

let token: string
let client: LicenseClient

before(async () => {
  const server = await createTestServer()
  token = (await server.issue({ forever: true })).token
  client = await createLicenseClient({ ...(await server.clientOptions()), background: false })
})

/** Breaks a text into lines of 76 characters, as mail does. */
const wrapped = (text: string, end = '\n', begin = ''): string =>
  (text.match(/.{1,76}/g) ?? []).map((line) => begin + line).join(end)

const pasted: Readonly<Record<string, (token: string) => string>> = {
  'with white space around and in it': (text) => ` \t${wrapped(text, '\r\n')}\u00A0\n`,
  'with zero-width characters': (text) =>
    `\u200B${text.slice(0, 50)}\u200D\u2060${text.slice(50)}\uFEFF\u00AD\u202C`,
  'in double quotes': (text) => `"${text}"`,
  'in typographic quotes': (text) => `“${text}”`,
  'in guillemets': (text) => `«\u202F${text}\u202F»`,
  'in single quotes with a comma': (text) => `'${text}',`,
  'in angle brackets': (text) => `<${text}>`,
  'in brackets': (text) => `(${text})`,
  'in backticks': (text) => `\`${text}\``,
  'in bold': (text) => `**${text}**`,
  'in a code fence': (text) => `\`\`\`\n${text}\n\`\`\``,
  'in a code fence with a language': (text) => `\`\`\`text\r\n${wrapped(text, '\r\n')}\r\n\`\`\`\r\n`,
  'in a code fence on one line': (text) => `\`\`\`${text}\`\`\``,
  'in a code fence after a label': (text) => `Token: \`\`\`${wrapped(text)}\`\`\``,
  'in an element of HTML': (text) => `<code>${text}</code>`,
  'after a token of five parts': (text) => `eyJhIjoxfQ.a.b.c.${'x'.repeat(342)} ${text}`,
  'quoted by mail and saved as UTF-16': (text) =>
    Buffer.from(wrapped(text, '\n', '> '), 'utf16le').toString('latin1'),
  'with a dot at its end': (text) => `${text}.`,
  'with an ellipsis': (text) => `${text}…`,
  'quoted by mail': (text) => wrapped(text, '\n', '> '),
  'in quoted-printable mail': (text) => wrapped(text, '=\r\n'),
  'with non-breaking hyphens': (text) => text.replaceAll('-', '\u2011'),
  'with a label': (text) => `License token: ${text}`,
  'with a label and line breaks': (text) => `License token:\n${wrapped(text)}\n`,
  'as a header': (text) => `Bearer ${text}`,
  'as an assignment': (text) => `LICENSE_TOKEN="${text}"`,
  'as JSON': (text) => JSON.stringify({ token: text }, null, 2),
  'as HTML': (text) => `<p>&lt;${text}&gt;</p>`,
  'in a list': (text) => `- ${text}`,
  'in a sentence': (text) => `Hello Ada. Your token is ${text}. Best regards, Bob`,
  'with a zero-width character between other words': (text) =>
    `Hello Ada ${text.slice(0, 50)}\u200B${text.slice(50)} Best regards`,
  'before other words': (text) => `${text} Best regards`,
  'from a UTF-16 file': (text) => Buffer.from(`\uFEFF${text}\r\n`, 'utf16le').toString('utf8'),
  'from a UTF-16 file of the other byte order': (text) =>
    Buffer.from(`\uFEFF${text}\r\n`, 'utf16le').swap16().toString('utf8'),
  'from a UTF-16 file with a code fence': (text) =>
    Buffer.from(`\`\`\`text\r\n${wrapped(text, '\r\n')}\r\n\`\`\`\r\n`, 'utf16le').toString('utf8'),
  'from a UTF-16 file that was read as Latin-1': (text) => Buffer.from(text, 'utf16le').toString('latin1'),
}

for (const [form, paste] of Object.entries(pasted))
  test(`readPastedToken(): takes a token ${form}`, async () => {
    assert.equal(readPastedToken(paste(token)), token)
    assert.equal((await client.setToken(paste(token))).state, 'active')
  })

test('readPastedToken(): leaves every token as it is, also a short one of a smaller key', () => {
  for (const length of [342, 512, 683, 1_366]) {
    const text = `eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJ_-.${'-_A9'.repeat(400).slice(0, length)}`
    assert.equal(readPastedToken(text), text)
  }
})

test('readPastedToken(): takes a token of a smaller key out of a sentence', () => {
  for (const length of [342, 512, 683]) {
    const text = `eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJ_-A.${'A'.repeat(length)}`
    assert.equal(readPastedToken(`${text} Best regards`), text)
  }
})

test('describeDefect(): does not call a text cut off that has enough characters or parts', () => {
  const [header = '', claims = '', signature = ''] = token.split('.')
  const short = signature.slice(0, 342)
  const uncut = [
    ...[`${header}.${claims}.${short}`, `${token}A`, `${token}.x`, `${header}.${claims}+.${signature}`],
    ...[`${header}.${claims}.x.x`, token],
  ]
  for (const text of uncut) assert.equal(describeDefect(text), null, text)
  assert.match(describeDefect(`${header}.${claims}.${short}A`) ?? '', /cut off/)
})

async function refusal(text: string): Promise<string> {
  const error: unknown = await client.setToken(text).catch((cause: unknown) => cause)
  assert.ok(error instanceof LicensingError && error.code === 'invalid_token')
  assert.ok(!error.message.includes('eyJ'))
  return error.message
}

test('setToken(): says after how many characters a token was cut off', async () => {
  const [header = '', claims = ''] = token.split('.')
  const lengths = [5, header.length, header.length + 10, header.length + 1 + claims.length, token.length - 1]
  for (const length of lengths)
    assert.match(await refusal(token.slice(0, length)), new RegExp(`cut off after ${length} characters`))
})

test('setToken(): tells no token, a token of another app and a bad signature apart', async () => {
  assert.match(await refusal(''), /the text is empty/)
  assert.match(await refusal(' \u200B\n'), /the text is empty/)
  for (const text of ['hello', 'sk_live_x', token.slice(3)])
    assert.match(await refusal(text), /no license token, or/)
  const server = await createTestServer({ app: 'other-app' })
  assert.match(await refusal((await server.issue()).token), /for another app/)
  const forged = token.replace(/\.(.{40})./, (_, head: string) => `.${head}A`)
  assert.equal(await refusal(forged), 'The token is not valid for this program')
  assert.equal(describeDefect(forged), null)
})

test('createLicenseClient(): reads a configured token as one that was entered, and says what is wrong with it', async () => {
  const server = await createTestServer()
  const options = { ...(await server.clientOptions()), background: false }
  const issued = (await server.issue({ forever: true })).token
  assert.equal((await createLicenseClient({ ...options, token: `"${issued}".` })).license.state, 'active')
  const cut = await createLicenseClient({ ...options, token: issued.slice(0, 500) })
  assert.match(cut.license.reason, /cut off after 500 characters/)
})
