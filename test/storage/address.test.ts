import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import process from 'node:process'
import { after, before, describe, it } from 'node:test'
import { readAddress } from '../../src/storage/postgres/address.ts'
import { postgresStorage } from '../../src/storage/postgres.ts'

/** The first message of a client of PostgreSQL: a request for TLS, or the parameters of the connection. */
type Hello = 'TLS' | Readonly<Record<string, string>>

const tlsRequest = 80_877_103

function readHello(bytes: Uint8Array): Hello {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getInt32(4) === tlsRequest) return 'TLS'
  const words = new TextDecoder().decode(bytes.subarray(8)).split('\0')
  const pairs = words.flatMap((word, at) => (at % 2 === 0 && word !== '' ? [[word, words[at + 1]]] : []))
  return Object.fromEntries(pairs) as Record<string, string>
}

/** An ErrorResponse of PostgreSQL's protocol. PgBouncer leaves out the severity for programs. */
function refusal(code: string, message: string): Uint8Array {
  const severity = code === '08P01' ? '' : 'VFATAL\0'
  const fields = new TextEncoder().encode(`SFATAL\0${severity}C${code}\0M${message}\0\0`)
  const bytes = new Uint8Array(fields.length + 5)
  bytes[0] = 'E'.charCodeAt(0)
  new DataView(bytes.buffer).setInt32(1, fields.length + 4)
  bytes.set(fields, 5)
  return bytes
}

const hellos: Hello[] = []
let answer: readonly [code: string, message: string] = ['28P01', 'password authentication failed']
let server: Server
let host = ''

before(async () => {
  server = createServer((socket: Socket) => {
    socket.on('error', () => {})
    socket.once('data', (bytes: Uint8Array) => {
      const hello = readHello(bytes)
      hellos.push(hello)
      socket.end(hello === 'TLS' ? 'x' : refusal(...answer))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(() => void server.close())

/** Resolves to the first thing that the server hears, and to the error. */
async function open(address: string): Promise<{ hello: Hello | undefined; error: Error }> {
  hellos.length = 0
  const connectionString = address.replaceAll('HOST', host)
  const error: unknown = await postgresStorage({ connectionString }).then(
    () => new Error('opened'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof Error)
  return { hello: hellos[0], error }
}

const limits = { lock_timeout: undefined, idle_in_transaction_session_timeout: '60000' }

/** An address, and the parameters that the server must get. `undefined` is a parameter that it must not get. */
const accepted: Readonly<Record<string, 'TLS' | Readonly<Record<string, string | undefined>>>> = {
  'postgres://u@HOST/db': { user: 'u', database: 'db', application_name: 'heartwood', ...limits },
  'postgresql://a%40b:p%25q@HOST/my%20db': { user: 'a@b', database: 'my db' },
  'postgres://u:p@q@HOST/db': { user: 'u', database: 'db' },
  'POSTGRES://u@HOST': { user: 'u' },
  // Neon: direct, and for a program that sends no name in TLS.
  'postgresql://u:p@HOST/neondb?sslmode=require&channel_binding=require': 'TLS',
  'postgres://u:p@HOST/neondb?options=endpoint%3Dep-cool-darkness': { options: 'endpoint=ep-cool-darkness' },
  // Supabase and Vercel.
  'postgres://u.ref:p@HOST/postgres?pgbouncer=true&connection_limit=1&supa=base-pooler.x': {
    user: 'u.ref',
    pgbouncer: undefined,
    connection_limit: undefined,
    supa: undefined,
    idle_in_transaction_session_timeout: undefined,
  },
  'postgres://u:p@HOST/postgres?sslmode=require&workaround=supabase-pooler.vercel': 'TLS',
  // Prisma.
  'postgresql://u:p@HOST/db?schema=public&connect_timeout=15&pool_timeout=10&socket_timeout=3': {
    ...limits,
    schema: undefined,
    search_path: undefined,
    connect_timeout: undefined,
    pool_timeout: undefined,
    socket_timeout: undefined,
  },
  'postgresql://u:p@HOST/db?schema=My"Shop&statement_cache_size=0': { search_path: '"My""Shop"' },
  // RDS.
  'postgres://u:p@HOST/db?sslmode=verify-full&sslrootcert=test/support/certificate.pem': 'TLS',
  'postgres://u:p@HOST/db?sslmode=verify-full&sslrootcert=system': 'TLS',
  'postgres://u:p@HOST/db?ssl=true': 'TLS',
  'postgres://u:p@HOST/db?sslmode=no-verify': 'TLS',
  'postgres://u:p@HOST/db?sslmode=disable': { user: 'u' },
  // Several hosts, of which the first is away.
  'postgres://u:p@127.0.0.1:1,HOST/db?target_session_attrs=read-write': {
    user: 'u',
    target_session_attrs: undefined,
  },
  'postgres://u:p@HOST/db?target_session_attrs=any': { user: 'u', target_session_attrs: undefined },
  // A template whose variables are empty.
  'postgres://u:p@HOST/db?sslmode=&ssl=&sslrootcert=&schema=&prepare=&connect_timeout=&target_session_attrs=':
    {
      user: 'u',
      database: 'db',
      search_path: undefined,
      sslmode: undefined,
    },
  // Words of libpq and of PostgreSQL.
  'postgres://u:p@HOST/db?connect_timeout=-1&client_encoding=UNICODE': { client_encoding: 'UTF8' },
  'postgres://u:p@HOST/db?connect_timeout=30000': { user: 'u' },
  // A parameter of the server itself.
  'postgres://u:p@HOST/db?search_path=licensing&application_name=shop&client_encoding=utf8': {
    search_path: 'licensing',
    application_name: 'shop',
    client_encoding: 'UTF8',
  },
}

/** An address, and what the error must say. */
const refused: Readonly<Record<string, RegExp>> = {
  'postgres://u:100%secret@HOST/db': /must write a % in its password as %25$/,
  'postgres://u%:secret@HOST/db': /must write a % in its user as %25$/,
  'postgres://u:secret@HOST/100%': /must write a % in its database as %25$/,
  'postgres://u:1/secret@HOST/db': /must write \/ as %2F/,
  'postgres://u:1?secret@HOST/db': /must write \/ as %2F/,
  'postgres://u:1?secret@HOST/db?sslmode=require': /must write \/ as %2F/,
  'postgres://u:1#secret@HOST/db': /must have the form/,
  'postgres://u:se/cret@HOST/db': /must write \/ as %2F/,
  'postgres://u:secret@HOST:HOST/db': /must have the form/,
  'postgres://u:secret@127.0.0.1:70000/db': /must have the form/,
  'postgres://u:secret@HOST/db?sslmode=secret': /must have one of disable, .* as its sslmode$/,
  'postgres://u:secret@HOST/db?ssl=secret': /must have one of disable, .* as its ssl$/,
  'postgres://u:secret@HOST/db?sslmode=require&sslrootcert=/secret.pem': /a file .* as its sslrootcert$/,
  'postgres://u:secret@HOST/db?sslrootcert=package.json': /a file .* as its sslrootcert$/,
  'postgres://u:secret@HOST/db?pgbouncer=secret': /must have one of true, false as its pgbouncer$/,
  'postgres://u:secret@HOST/db?connect_timeout=secret': /must have whole seconds as its connect_timeout$/,
  'postgres://u:secret@HOST/db?target_session_attrs=secret':
    /must have one of .* as its target_session_attrs$/,
  'postgres://u:secret@HOST/db?client_encoding=LATIN1': /must have UTF8 as its client_encoding$/,
  'postgres://u@HOST/db?password=secret': /must not have the parameter password/,
  'postgres://u:secret@HOST/db?host=secret': /must have its host before the \?/,
  'postgres://u:secret@HOST/db?se-cret': /must name its parameters by letters/,
}

/** A refusal of the server, and what the error must say. */
const refusals: readonly (readonly [code: string, message: string, expected: string])[] = [
  [
    '08P01',
    'unsupported startup parameter: statement_timeout',
    'The pooler refuses the startup parameter statement_timeout: see "Poolers" in docs/storage.md',
  ],
  [
    '08P01',
    'unsupported startup parameter in options: search_path',
    'The pooler refuses the startup parameter search_path: see "Poolers" in docs/storage.md',
  ],
  [
    '42704',
    'unrecognized configuration parameter "pool_hint"',
    'The database refuses the parameter pool_hint of its address',
  ],
  [
    '22023',
    'invalid value for parameter "statement_timeout": "secret"',
    'The database refuses the parameter statement_timeout of its address',
  ],
  [
    '55P02',
    'parameter "shared_buffers" cannot be changed without restarting the server',
    'The database refuses the parameter shared_buffers of its address',
  ],
  [
    '42601',
    'invalid command-line argument for server process: endpoint=secret',
    'The database refuses the parameter options of its address',
  ],
  ['08P01', 'server conn crashed?', 'The database does not answer'],
]

describe('postgresStorage(): the address', () => {
  for (const [address, expected] of Object.entries(accepted))
    it(`${address}: reaches the server`, async () => {
      const { hello, error } = await open(address)
      assert.equal((error as { code?: string }).code, 'unavailable', error.stack)
      if (expected === 'TLS' || hello === 'TLS' || hello === undefined)
        return assert.equal(hello, expected, error.stack)
      for (const [name, value] of Object.entries(expected)) assert.equal(hello[name], value, name)
    })

  for (const [address, expected] of Object.entries(refused))
    it(`${address.replace('secret', '…')}: the error names the part and no value`, async () => {
      const { hello, error } = await open(address)
      assert.match(error.message, expected)
      assert.ok(error instanceof TypeError && error.message.startsWith('connectionString '))
      assert.deepEqual([hello, error.message.includes('secret')], [undefined, false])
    })

  for (const [code, message, expected] of refusals)
    it(`${message.replace('secret', '…')}: the error names the parameter and no value`, async () => {
      answer = [code, message]
      const { error } = await open('postgres://u:p@HOST/db')
      assert.equal(error.message, expected)
    })

  it('several hosts that are all away are an error', async () => {
    for (const query of ['', '?target_session_attrs=primary']) {
      const { error } = await open(`postgres://u:p@127.0.0.1:1,127.0.0.1:2/db${query}`)
      assert.equal(error.message, 'The database does not answer')
    }
  })

  for (const hosts of ['127.0.0.1:1,127.0.0.1:2', '/no-such-folder'])
    it(`PGHOST=${hosts}: hosts that are all away are an error`, async () => {
      const { PGHOST: before } = process.env
      process.env['PGHOST'] = hosts
      try {
        const { error } = await open('postgres:///db')
        assert.equal(error.message, 'The database does not answer')
      } finally {
        if (before === undefined) delete process.env['PGHOST']
        else process.env['PGHOST'] = before
      }
    })

  it('a host with a colon and no port is the host with the usual port', () => {
    assert.deepEqual(readAddress('postgres://u@db.example.com:/db').places, [
      { host: 'db.example.com', port: undefined },
    ])
  })

  it('several hosts that are all silent are an error after connect_timeout', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const place = `127.0.0.1:${port}`
    const { error } = await open(`postgres://u:p@${place},${place}/db?connect_timeout=1`)
    assert.equal(error.message, 'The database does not answer')
    silent.close()
  })
})
