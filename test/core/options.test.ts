import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { fileStore } from '../../src/client/file.ts'
import { licensingServer } from '../../src/adapters/elysia.ts'
import { createLicensing, type Licensing } from '../../src/core/index.ts'
import { kyselyStorage } from '../../src/storage/kysely.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { postgresStorage } from '../../src/storage/postgres.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { createTestServer } from '../../src/testing/server.ts'
import { startDelivery } from '../../src/webhooks/index.ts'
import { masterKey, newWorld } from '../support/fixtures.ts'

let licensing: Licensing

before(async () => {
  licensing = (await newWorld()).licensing
})

/** By the name in the error: values that do not do what their author thinks. A value may be the whole of the options. */
type Refused = Readonly<Record<string, readonly unknown[]>>

/** Calls a public function with options that are good but for those given. */
type Call = (options: object) => unknown

/** The options themselves are of another type. */
const whole = 'The options'
const notOptions: Refused = { [whole]: [null, 7, 'x', []] }
const flag = ['false', 0, null]
const functions = [7, 'Date.now', null, {}]
const connectionString = 'postgres://127.0.0.1:1/x'
/** Deno and Node need it beside limits. */
const clientAddress = (): null => null
const cast = <Options>(options: object): Options => options as Options

const table: Readonly<Record<string, readonly [call: Call, refused: Refused]>> = {
  'createLicensing()': [
    (given) => createLicensing(cast(given)),
    {
      ...notOptions,
      storage: [{ masterKey }, ...[undefined, null, {}, 'heartwood.db', 7].map((storage) => ({ storage }))],
    },
  ],
  'createLicensing(), with a storage': [
    (given) => createLicensing({ storage: memoryStorage(), masterKey, ...given }),
    {
      isuer: [{ isuer: 'licenses.example' }],
      '(unknown)': [{ 'master key': 'secret' }],
      storage: [{ storage: sqliteStorage({ filename: ':memory:' }) }],
      issuer: ['', null, 7, ['a'], 'line\nbreak', 'x'.repeat(256)].map((issuer) => ({ issuer })),
      now: functions.map((now) => ({ now })),
      newId: functions.map((newId) => ({ newId })),
      newKeyPair: functions.map((newKeyPair) => ({ newKeyPair })),
      keyPool: [-1, 1.5, '2', null, Infinity].map((keyPool) => ({ keyPool })),
      signing: [null, 7, 'all', []].map((signing) => ({ signing })),
      'signing.concurreny': [{ signing: { concurreny: 2 } }],
      'signing.concurrency': [0, 1.5, '2', null, 'none'].map((concurrency) => ({ signing: { concurrency } })),
      'signing.maxWaiting': [-1, 0.5, '9', null].map((maxWaiting) => ({ signing: { maxWaiting } })),
      webhooks: [null, true, 'allow'].map((webhooks) => ({ webhooks })),
      'webhooks.allowPrivateTarget': [{ webhooks: { allowPrivateTarget: true } }],
      'webhooks.allowPrivateTargets': flag.map((each) => ({ webhooks: { allowPrivateTargets: each } })),
      'webhooks.queueLimit': [0, 1.5, '1000', 500_001].map((each) => ({ webhooks: { queueLimit: each } })),
    },
  ],
  'licensingServer()': [
    (given) => licensingServer(licensing, cast(given)),
    {
      ...notOptions,
      publicURL: [{ publicURL: 'https://licenses.example' }],
      rateLimit: [{ rateLimit: {} }],
      standalone: flag.map((standalone) => ({ standalone })),
      documents: [...flag, 'off'].map((documents) => ({ documents })),
      metrics: [...flag, 'on'].map((metrics) => ({ metrics })),
      rateLimits: [null, true, false, 'off', []].map((rateLimits) => ({ rateLimits, clientAddress })),
      'rateLimits.verfy': [{ rateLimits: { verfy: 1 }, clientAddress }],
      'rateLimits.verify': [0, -1, 1.5, '100', null].map((verify) => ({
        rateLimits: { verify },
        clientAddress,
      })),
      clientAddress: functions.map((clientAddress) => ({ clientAddress })),
      trustedProxies: ['10.0.0.0/8', null, [7], ['proxy'], ['10'], ['10.0.0.0/99'], ['']].map((each) => ({
        trustedProxies: each,
      })),
      corsOrigins: ['https://a.example', null, [['https://a.example']], ['*']].map((corsOrigins) => ({
        corsOrigins,
      })),
      publicUrl: [null, 7, 'licenses.example'].map((publicUrl) => ({ publicUrl })),
    },
  ],
  'licensingServer(), of no licensing': [
    (given) => licensingServer(cast(given)),
    { licensing: [null, {}, createLicensing({ storage: memoryStorage(), masterKey })] },
  ],
  'startDelivery()': [
    (given) => startDelivery(licensing, cast(given)),
    {
      ...notOptions,
      pollms: [{ pollms: 5 }],
      pollMs: [0, -1, '5', NaN, Infinity, 2 ** 31].map((pollMs) => ({ pollMs })),
      deadlineMs: [0, '9', null].map((deadlineMs) => ({ deadlineMs })),
      pauses: [5, null, ['1'], [-1], [NaN]].map((pauses) => ({ pauses })),
      perApp: [0, '8', 1.5].map((perApp) => ({ perApp })),
      concurrency: [0, 'all', null].map((concurrency) => ({ concurrency })),
      leaseSeconds: [0, 'x', null].map((leaseSeconds) => ({ leaseSeconds })),
      stopMs: [-1, 'x', Infinity].map((stopMs) => ({ stopMs })),
      allowPrivateTargets: flag.map((allowPrivateTargets) => ({ allowPrivateTargets })),
      resolve: functions.map((resolve) => ({ resolve })),
      connect: functions.map((connect) => ({ connect })),
      random: functions.map((random) => ({ random })),
    },
  ],
  'startDelivery(), of no licensing': [(given) => startDelivery(cast(given)), { licensing: [null, {}] }],
  'sqliteStorage()': [
    (given) => sqliteStorage(cast(given)),
    {
      ...notOptions,
      fileName: [{ fileName: 'heartwood.db' }],
      readonly: [{ filename: ':memory:', readonly: true }],
      filename: [
        {},
        ...['', undefined, null, 7, new URL('file:///heartwood.db')].map((filename) => ({ filename })),
        { filename: ':memory:', client: { exec() {}, prepare() {} } },
      ],
      client: [null, {}, 7, 'heartwood.db'].map((client) => ({ client })),
    },
  ],
  'postgresStorage()': [
    (given) => postgresStorage(cast(given)),
    {
      ...notOptions,
      max: [{ connectionString, max: 3 }],
      connectionString: [
        {},
        ...[
          undefined,
          null,
          'secret',
          'mysql://a:secret@b/c',
          'localhost:5432/secret',
          'postgres://a:secret@:x/',
          new URL(connectionString),
        ].map((each) => ({ connectionString: each })),
      ],
      connections: [0, 1.5, '10', null, Infinity].map((connections) => ({ connectionString, connections })),
      statementTimeoutMs: [-1, 0.5, null, '60', 2 ** 31].map((statementTimeoutMs) => ({
        ...{ connectionString, statementTimeoutMs },
      })),
      client: [null, {}, 7, 'postgres://a:secret@b/c'].map((client) => ({ client })),
    },
  ],
  'kyselyStorage()': [(given) => kyselyStorage(cast(given)), { db: [null, {}, memoryStorage()] }],
  'createTestServer()': [
    (given) => createTestServer(cast(given)),
    {
      ...notOptions,
      apps: [{ apps: ['desktop-app'] }],
      start: ['2026-01-23', NaN, null, new Date(), -1].map((start) => ({ start })),
      corsOrigins: ['https://a.example', ['*']].map((corsOrigins) => ({ corsOrigins })),
    },
  ],
  'fileStore()': [
    (given) => fileStore(cast(given)),
    { path: [null, 7, '', new URL('file:///license.json')] },
  ],
}

for (const [name, [call, refused]] of Object.entries(table))
  test(`${name}: refuses unknown and unusable options by a TypeError that names them and repeats no value`, async () => {
    for (const [option, values] of Object.entries(refused))
      for (const [at, value] of values.entries()) {
        // One that throws and one that rejects look the same to `await`.
        const result = (async () => call(value as object))()
        await assert.rejects(result, (error: unknown) => {
          const shown = `${option}, value ${at}: ${String(error)}`
          assert.ok(error instanceof TypeError, shown)
          assert.ok(
            error.message.startsWith(`${option} must `) ||
              error.message.startsWith(`${option} is not a known option`),
            shown,
          )
          assert.ok(!error.message.includes('secret'), shown)
          return true
        })
      }
  })

test('options that are undefined count as absent, and extreme good ones are taken', async () => {
  const unset = {
    issuer: undefined,
    now: undefined,
    keyPool: undefined,
    signing: undefined,
    webhooks: undefined,
  }
  const given = { ...unset, isuer: undefined, storage: memoryStorage(), masterKey }
  await createLicensing(cast(given))
  await createLicensing({
    ...given,
    ...cast<object>({ signing: { concurrency: 'all', maxWaiting: 0 }, keyPool: 0 }),
  } as never)
  licensingServer(
    licensing,
    cast({ rateLimits: { verify: undefined }, clientAddress, trustedProxies: [], corsOrigins: undefined }),
  )
  await startDelivery(licensing, { pauses: [], pollMs: 2 ** 31 - 1, stopMs: 0 }).stop()
  const storage = await sqliteStorage(cast({ filename: ':memory:', client: undefined }))
  await storage.close()
  const address = {
    connectionString: 'postgres://a:b,c@127.0.0.1:1/x',
    client: undefined,
    statementTimeoutMs: 0,
  }
  await assert.rejects(postgresStorage(cast(address)), { code: 'unavailable' })
})
