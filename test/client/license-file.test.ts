import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { licenseFile, statementKeys, TestChain, type StatementKey } from '../support/statements.ts'
import { enter, openProgram, trustServer } from './statement-program.ts'

let first: StatementKey
let next: StatementKey
let chain: TestChain
let file: string

before(async () => {
  ;[first, next] = (await statementKeys()) as [StatementKey, StatementKey]
  chain = await (await TestChain.begin(first)).rotate(next)
  file = licenseFile({ v: 1, token: await chain.token(), trust: chain.file, later: { status: [1] } })
})

/** Enters a text without a network. Gives the state, or the message of the refusal. */
async function enterOffline(text: string): Promise<string> {
  const server = trustServer()
  server.isUp = false
  const publicKeys = first.publicKeyPem
  return enter(await openProgram(server, { publicKeys }), text)
}

const inLines = (change: (line: string) => string): string => file.split('\n').map(change).join('\n')

const readable: Readonly<Record<string, () => string>> = {
  'as it is': () => file,
  'with CRLF': () => file.replaceAll('\n', '\r\n'),
  'with words around it': () => `Your license, Ada:\n\n${file}\nKind regards -- us`,
  'quoted by mail': () => inLines((line) => `> > ${line}`),
  'indented, with blank lines': () => inLines((line) => `  ${line}\n`),
  'in a code fence': () => `\`\`\`\n${file}\`\`\``,
  'with dashes that a telephone has joined': () => file.replaceAll('-----', '—-—'),
  'from a UTF-16 file that was read as UTF-8': () => Buffer.from(`\uFEFF${file}`, 'utf16le').toString('utf8'),
  'in one line': () => file.replaceAll('\n', ' '),
}

for (const [form, text] of Object.entries(readable))
  test(`setToken(): reads a license file ${form}, without a network`, async () => {
    assert.equal(await enterOffline(text()), 'active')
  })

const begin = '-----BEGIN HEARTWOOD LICENSE-----\n'
const end = '-----END HEARTWOOD LICENSE-----\n'

const unreadable: Readonly<Record<string, readonly [text: () => string, reason: RegExp]>> = {
  'twice in one text': [() => file + file, /two BEGIN lines/],
  'without its end': [() => file.slice(0, -20), /not whole: its END line is missing/],
  'cut off within': [() => file.slice(0, 1000), /not whole/],
  'with its end first': [() => end + begin, /not whole/],
  'that is empty': [() => begin + end, /damaged/],
  'that is prose': [() => `${begin}Once upon a time, there was a program.\n${end}`, /damaged/],
  'of 300 KiB': [() => `${begin}${'A'.repeat(300 * 1024)}\n${end}`, /longer than 256 KiB/],
  'that is JSON without a token': [() => licenseFile({ v: 1, trust: chain.file }), /no license token/],
  'that is a JSON null': [() => licenseFile(null as never), /damaged/],
  'with a token of another type': [() => licenseFile({ v: 1, token: { a: 1 } }), /no license token/],
  'without a line in its middle': [() => file.split('\n').toSpliced(5, 1).join('\n'), /./],
}

for (const [name, [text, reason]] of Object.entries(unreadable))
  test(`setToken(): refuses a license file ${name}, and says why`, async () => {
    const refusal = await enterOffline(text())
    assert.notEqual(refusal, 'active')
    assert.match(refusal, reason)
  })

test('setToken(): takes the statements of a license file whose trust file is damaged for none', async () => {
  const token = await chain.token()
  for (const trust of [null, 7, 'x', [], {}, { statements: [null] }])
    assert.match(await enterOffline(licenseFile({ v: 1, token, trust })), /newer key|not valid/)
})
