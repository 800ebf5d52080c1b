import assert from 'node:assert/strict'
import { test } from 'node:test'
import type {
  Audit,
  ApiKeys,
  Apps,
  Customers,
  Features,
  LicenseKeys,
  Licenses,
  Licensing,
  Tiers,
  VerificationUseCases,
  Webhooks,
} from '../../src/core/index.ts'
import {
  createLicensingClient,
  LicensingError,
  RemoteError,
  type LicensingClientOptions,
  type RemoteApiKeys,
  type RemoteApps,
  type RemoteLicenseKeys,
  type RemoteLicenses,
  type RemoteLicensing,
  type RemoteVerification,
} from '../../src/sdk/index.ts'
import { newWorld } from '../support/fixtures.ts'

type Fits<From, To> = [From] extends [To] ? true : false
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
type PartOf<Core, Remote> = Pick<Core, keyof Core & keyof Remote>

/** The use cases of core that HTTP does not reach, by room. The types and the client are held to this one list. */
const inProcessAlone = {
  '': [
    'as',
    'forRequest',
    'authorize',
    'ensure',
    'finishDeletions',
    'flush',
    'idempotent',
    'idempotentCall',
    'keepStats',
    'load',
    'may',
    'noteRefusal',
    'on',
    'outbox',
    'recovery',
    'rekey',
    'restrictedTo',
    'sessions',
    'with',
  ],
  apps: ['trust'],
  tiers: [],
  features: [],
  customers: [],
  licenseKeys: ['authenticate'],
  licenses: ['authenticate', 'file'],
  verification: ['verifyDirectly', 'verifyTokenDirectly'],
  apiKeys: ['authenticate', 'createFirst'],
  webhooks: [],
  audit: ['prune', 'seal', 'verify'],
} as const
type Left<Room extends keyof typeof inProcessAlone> = (typeof inProcessAlone)[Room][number]

// The compiler checks each line: `npm run check` fails if one is not true.
export const typeChecks: readonly true[] = [
  // In process is over HTTP: code that takes RemoteLicensing takes both.
  true satisfies Fits<Licensing, RemoteLicensing>,
  // Over HTTP is in process, for every use case but the result of apiKeys.revoke.
  true satisfies Fits<RemoteApps, PartOf<Apps, RemoteApps>>,
  true satisfies Fits<RemoteLicensing['tiers'], Tiers>,
  true satisfies Fits<RemoteLicensing['features'], Features>,
  true satisfies Fits<RemoteLicensing['customers'], Customers>,
  true satisfies Fits<RemoteLicenseKeys, PartOf<LicenseKeys, RemoteLicenseKeys>>,
  true satisfies Fits<RemoteLicenses, PartOf<Licenses, RemoteLicenses>>,
  true satisfies Fits<RemoteVerification, PartOf<VerificationUseCases, RemoteVerification>>,
  true satisfies Fits<Omit<RemoteApiKeys, 'revoke'>, PartOf<ApiKeys, Omit<RemoteApiKeys, 'revoke'>>>,
  true satisfies Fits<RemoteLicensing['webhooks'], Webhooks>,
  true satisfies Fits<RemoteLicensing['audit'], Audit>,
  true satisfies Fits<RemoteLicensing['rotateKeys'], Licensing['rotateKeys']>,
  true satisfies Fits<RemoteLicensing['diagnose'], Licensing['diagnose']>,
  true satisfies Fits<RemoteLicensing['stats'], Licensing['stats']>,
  true satisfies Fits<RemoteLicensing['status'], Licensing['status']>,
  true satisfies Fits<RemoteLicensing['ping'], Licensing['ping']>,
  // Nothing else is left out.
  true satisfies Same<Exclude<keyof Licensing, keyof RemoteLicensing>, Left<''>>,
  true satisfies Same<Exclude<keyof Apps, keyof RemoteApps>, Left<'apps'>>,
  true satisfies Same<Exclude<keyof LicenseKeys, keyof RemoteLicenseKeys>, Left<'licenseKeys'>>,
  true satisfies Same<Exclude<keyof Licenses, keyof RemoteLicenses>, Left<'licenses'>>,
  true satisfies Same<Exclude<keyof VerificationUseCases, keyof RemoteVerification>, Left<'verification'>>,
  true satisfies Same<Exclude<keyof ApiKeys, keyof RemoteApiKeys>, Left<'apiKeys'>>,
  true satisfies Same<Exclude<keyof Licensing['audit'], keyof RemoteLicensing['audit']>, Left<'audit'>>,
  // An error over HTTP is an error of core, and tells more.
  true satisfies Fits<RemoteError, Omit<LicensingError, 'code'>>,
  true satisfies Fits<LicensingError['code'], RemoteError['code'] | 'master_key'>,
]

/** Never called: the compiler refuses what HTTP has not. */
export function refusedByTheCompiler(licensing: RemoteLicensing): void {
  // @ts-expect-error: the server gives the mode.
  void licensing.apps.create({ name: 'n', slug: 's' }, { mode: 'test' })
  // @ts-expect-error: the server makes the key pair.
  void licensing.rotateKeys('s', {}, { publicKeyPem: '', privateKeyPem: '' })
  // @ts-expect-error: a handler stays in its process.
  void licensing.licenses.renew('s', 'lic_', 'token', { admit: () => undefined })
  // @ts-expect-error: a handler stays in its process here too.
  void licensing.licenseKeys.activate('s', 'key', { installationId: '' }, { admit: () => undefined })
  // @ts-expect-error: there is no transaction.
  void licensing.with
  // @ts-expect-error: a client shows a key or a session.
  const both: LicensingClientOptions = { baseUrl: '', apiKey: '', session: true }
  // @ts-expect-error: and not neither.
  const neither: LicensingClientOptions = { baseUrl: '' }
  void [both, neither]
}

function verbsOf(rooms: object): Record<string, readonly string[]> {
  const entries = Object.entries(rooms)
  const verbs = entries.filter(([, room]) => typeof room !== 'object').map(([name]) => name)
  const own = entries.filter(([, room]) => typeof room === 'object')
  return Object.fromEntries([
    ['', verbs.toSorted()],
    ...own.map(([name, room]) => [name, Object.keys(room as object).toSorted()] as const),
  ])
}

test('createLicensingClient(): has every use case of core except the listed ones, and withOptions', async () => {
  const { outbox: _outbox, recovery: _recovery, sessions: _sessions, ...core } = (await newWorld()).licensing
  const client = createLicensingClient({ baseUrl: 'https://licenses.example.com', apiKey: 'sk_live_x' })
  const wanted = Object.entries(verbsOf(core)).map(([room, verbs]) => {
    const left: readonly string[] = inProcessAlone[room as keyof typeof inProcessAlone]
    return [room, verbs.filter((verb) => !left.includes(verb))]
  })
  const { '': own = [], ...rooms } = verbsOf(client)
  assert.deepEqual({ '': own.filter((verb) => verb !== 'withOptions'), ...rooms }, Object.fromEntries(wanted))
})

test('RemoteError: is a LicensingError with name, code, status and request id', () => {
  const error: unknown = new RemoteError('rate_limited', 'Slow down', { status: 429, requestId: 'r' })
  assert.ok(error instanceof LicensingError && error instanceof Error && error instanceof RemoteError)
  assert.deepEqual(
    [error.name, error.code, error.message, error.status, error.requestId, error.details],
    ['LicensingError', 'rate_limited', 'Slow down', 429, 'r', undefined],
  )
  const { status, requestId } = new RemoteError('no_connection', 'Nothing came')
  assert.deepEqual([status, requestId], [null, null])
})
