import type { TestLicense } from '../../src/testing/server.ts'
import {
  start,
  wait,
  sequence,
  onServer,
  restart,
  enterNewToken,
  enterFirstToken,
  fail,
  recover,
  revoke,
  reinstate,
} from './steps.ts'
import { clockCases } from './clock-cases.ts'
import type { KeySource, TrustSource } from '../../src/client/index.ts'
import type { LifecycleCase, Observation } from './lifecycle-case.ts'

const good: Observation = ['active none', 'ok']
const due: Observation = ['refresh_due refresh', 'ok']
const noToken: Observation = ['invalid new_token', 'none']
const banned: Observation = ['revoked contact', 'license_revoked']

const forever: TestLicense = { forever: true }

const plain: readonly LifecycleCase[] = [
  {
    name: 'license.state: stays active while the server responds',
    license: { durationDays: 365 },
    steps: [
      [start, good],
      [wait(1), good],
      [wait(20), good],
    ],
  },
  {
    name: 'license.state: a license without end stays active over restarts',
    license: forever,
    steps: [
      [wait(20), good],
      [restart, good],
      [wait(20), good],
    ],
  },
  {
    name: 'license.state: grace from the second of the end, expired a week later',
    license: { durationDays: 3 },
    steps: [
      [wait(3 - 1 / 86_400), good],
      [wait(1 / 86_400), ['grace renew', 'token_expired']],
      [wait(7 - 1 / 86_400), ['grace renew', 'token_expired']],
      [wait(1 / 86_400), ['expired renew', 'token_expired']],
      [restart, ['expired renew', 'token_expired']],
    ],
  },
  {
    name: 'graceDays: with 0 the license expires at the second of its end',
    license: { durationDays: 1 },
    options: { graceDays: 0 },
    steps: [[wait(1), ['expired renew', 'token_expired']]],
  },
  {
    name: 'license.state: stays active if the vendor moves the end in time',
    license: { durationDays: 3 },
    steps: [
      [wait(2), good],
      [onServer('extend', 30), good],
      [wait(2), good],
      [wait(27), good],
    ],
  },
  {
    name: 'license.state: stays active if the vendor moves the end in the last hour',
    license: { durationDays: 3 },
    steps: [
      [wait(3 - 1 / 24), good],
      [onServer('extend', 30), good],
      [wait(1), good],
    ],
  },
  {
    name: 'license.has(): grants a new feature of the tier within a day',
    steps: [
      [onServer('addFeature', 'webhooks'), good],
      [
        sequence(
          (program) => program.expectNoFeature('webhooks'),
          wait(1),
          (program) => program.expectFeature('webhooks'),
        ),
        good,
      ],
    ],
  },
  {
    name: 'license.state: invalid without a token',
    options: { withoutToken: true },
    steps: [[start, noToken]],
  },
  {
    name: 'setToken(): makes the license active at once and after a restart',
    options: { withoutToken: true },
    steps: [
      [enterNewToken, good],
      [restart, good],
    ],
  },
]

const outages: readonly LifecycleCase[] = (
  [
    'outage',
    'timeout',
    'rate_limited',
    'server_error',
    'captive_portal',
    'login_page',
    'proxy_error',
    'lookalike',
  ] as const
).flatMap((fault) => [
  {
    name: `license.state: goes on through ${fault} until the token ends`,
    license: { durationDays: 4 },
    options: { graceDays: 1 },
    steps: [
      [fail(fault), good],
      [wait(1), due],
      [wait(2.5), due],
      [restart, due],
      [wait(0.5), ['grace renew', 'token_expired']],
      [restart, ['grace renew', 'token_expired']],
      [wait(1), ['expired renew', 'token_expired']],
      [sequence(recover, wait(1)), ['expired renew', 'token_expired']],
    ],
  },
  {
    name: `license.state: a license without end goes on through ${fault}, and recovers within two hours`,
    license: forever,
    steps: [
      [sequence(fail(fault), wait(7)), due],
      [restart, due],
      [sequence(recover, wait(1 / 12)), good],
    ],
  },
])

const interruptions: readonly LifecycleCase[] = [
  {
    name: 'license.state: stays active after a lost response, by asking again with the old token',
    license: forever,
    steps: [
      [sequence(fail('lost_answer', 1), wait(1.1)), good],
      [wait(10), good],
    ],
  },
  {
    name: 'license.state: stays active through an outage of an hour',
    license: forever,
    steps: [
      [wait(20 / 24), good],
      [sequence(fail('outage'), wait(1 / 24), recover, wait(0.5)), good],
    ],
  },
]

const refusals: readonly LifecycleCase[] = [
  {
    name: 'license.state: revoked within a day, over restarts, and after the old token is entered again',
    license: forever,
    steps: [
      [revoke, ['active none', 'license_revoked', 'unaware']],
      [wait(1), banned],
      [restart, banned],
      [wait(30), banned],
      [enterFirstToken, banned],
      [restart, banned],
    ],
  },
  {
    name: 'license.state: revoked as soon as the server responds, and through a later outage',
    license: forever,
    steps: [
      [sequence(fail('outage'), revoke, wait(5)), ['refresh_due refresh', 'license_revoked', 'unaware']],
      [sequence(recover, wait(1 / 12)), banned],
      [sequence(fail('outage'), restart), banned],
      [wait(5), banned],
    ],
  },
  {
    name: 'license.state: stays revoked although the token is configured',
    license: forever,
    options: { configured: true },
    steps: [
      [sequence(revoke, wait(1)), banned],
      [restart, banned],
      [sequence(fail('outage'), restart), banned],
    ],
  },
  {
    name: 'license.state: active again by the new token of a reinstated license',
    license: forever,
    steps: [
      [sequence(revoke, wait(1)), banned],
      [reinstate, ['revoked contact', 'ok', 'unaware']],
      [enterNewToken, good],
      [restart, good],
    ],
  },
  {
    name: 'license.state: stays active if the license is reinstated before the client asks',
    license: forever,
    steps: [[sequence(fail('outage'), revoke, wait(3), reinstate, recover, wait(1)), good]],
  },
  {
    name: 'license.state: keeps the token of a deleted license to its end, and asks for a new one',
    license: { durationDays: 10 },
    steps: [
      [sequence(onServer('delete'), wait(1)), ['refresh_due new_token', 'not_found']],
      [restart, ['refresh_due new_token', 'not_found']],
      [wait(8), ['refresh_due new_token', 'not_found']],
      [wait(1), ['grace new_token', 'not_found']],
      // The documented order of checks: a renewal reports the token's end first.
      [wait(7), ['expired renew', 'not_found', 'unaware']],
    ],
  },
  {
    name: 'license.state: keeps the signed end of a license that was shortened, and asks to renew',
    license: { durationDays: 30 },
    steps: [
      [sequence(onServer('extend', 0.5), wait(1)), ['refresh_due renew', 'token_expired']],
      [wait(29), ['grace renew', 'token_expired']],
    ],
  },
  {
    name: 'license.state: goes on after the tier was deleted, and says to contact the vendor',
    license: forever,
    steps: [[sequence(onServer('deleteTier'), wait(2)), ['refresh_due contact', 'ok', 'own limit']]],
  },
  {
    name: 'license.state: asks for a new token after earlier ones were invalidated',
    license: forever,
    steps: [
      [sequence(onServer('invalidatePrevious'), wait(2)), ['refresh_due new_token', 'invalid_token']],
      [enterNewToken, good],
    ],
  },
]

/** The thumbprint of the second key pair of every test server. */
export const nextKey = 'inBb-o2Kd_MU-vnxPXE2OgrwCWYXSKgZEMN3pCvkuz0'

const keySources: Readonly<Record<string, KeySource>> = {
  'jwks.json': { from: 'jwks.json', pin: 'origin' },
  'public-key': { from: 'public-key', pin: 'origin' },
  'pinned by thumbprint': { from: 'jwks.json', pin: [nextKey] },
}

/** Rotations for a program whose newer keys come from this source; `undefined` for none. */
export function rotationsWith(
  from: string,
  source: KeySource | TrustSource | undefined,
): readonly LifecycleCase[] {
  const refreshKeys = source === undefined ? {} : { refreshKeys: source }
  const knows = source !== undefined
  const isPinned = source !== undefined && !('pin' in source && source.pin === 'origin')
  const lost: Observation = ['invalid refresh', 'none']
  const unknown: Observation = ['refresh_due update', 'ok', 'own limit']
  return [
    {
      name: `license.state: rotation with grace, keys ${from}: ${knows ? 'stays active' : 'keeps the old token and asks for an update'}`,
      license: forever,
      options: refreshKeys,
      steps: [
        [onServer('rotate', 30), good],
        [wait(2), knows ? good : unknown],
        [restart, knows ? good : unknown],
        [wait(40), knows ? good : ['refresh_due new_token', 'invalid_token']],
        [
          sequence(fail('outage'), restart),
          knows
            ? isPinned
              ? good
              : ['refresh_due refresh', 'invalid_token', 'unaware']
            : ['refresh_due new_token', 'invalid_token'],
        ],
      ],
    },
    {
      name: `license.state: rotation without grace, keys ${from}: keeps the old token and asks for a new one`,
      license: { durationDays: 60 },
      options: refreshKeys,
      steps: [
        [onServer('rotate', 0), ['active none', 'invalid_token', 'unaware']],
        [wait(2), ['refresh_due new_token', 'invalid_token']],
        [restart, ['refresh_due new_token', 'invalid_token']],
        [enterNewToken, knows ? good : ['refresh_due new_token', 'invalid_token']],
        [wait(2), knows ? good : ['refresh_due new_token', 'invalid_token']],
        [wait(60), [knows ? 'grace renew' : 'grace new_token', knows ? 'token_expired' : 'invalid_token']],
      ],
    },
    {
      name: `license.state: licensed after a rotation, keys ${from}: ${knows ? `a restart needs ${isPinned ? 'no' : 'a'} network` : 'invalid'}`,
      license: forever,
      options: { ...refreshKeys, withoutToken: true },
      steps: [
        [sequence(onServer('rotate', 0), enterNewToken), knows ? good : noToken],
        [restart, knows ? good : noToken],
        [sequence(fail('outage'), restart), knows ? (isPinned ? good : lost) : noToken],
        [wait(3), knows ? (isPinned ? due : lost) : noToken],
        [sequence(recover, wait(1 / 12)), knows ? good : noToken],
      ],
    },
  ]
}

const rotations: readonly LifecycleCase[] = ['bundled', ...Object.keys(keySources)].flatMap((from) =>
  rotationsWith(from, keySources[from]),
)

const stores: readonly LifecycleCase[] = [
  {
    name: 'license.state: invalid on a damaged store, until the token is entered again',
    license: forever,
    steps: [
      [(program) => program.damageStore('{"format":1,"token"'), noToken],
      [enterFirstToken, good],
      [restart, good],
    ],
  },
  {
    name: 'license.state: invalid with a forged token in the store',
    steps: [[(program) => program.damageToken((token) => `${token.slice(0, -5)}AAAAA`), noToken]],
  },
  {
    name: 'setToken(): an older token never replaces a newer one',
    license: forever,
    steps: [
      [sequence(onServer('addFeature', 'webhooks'), wait(1)), good],
      [sequence(enterFirstToken, (program) => program.expectFeature('webhooks')), good],
      [sequence(restart, (program) => program.expectFeature('webhooks')), good],
    ],
  },
  {
    name: 'license.state: goes on with a broken store, and is forgotten at the end',
    license: forever,
    options: { brokenStore: true },
    steps: [
      [enterFirstToken, good],
      [wait(3), good],
      [restart, noToken],
    ],
  },
]

/** States × faults. They run on every runtime and in a browser. */
export const lifecycleCases: readonly LifecycleCase[] = [
  ...plain,
  ...outages,
  ...interruptions,
  ...refusals,
  ...rotations,
  ...clockCases,
  ...stores,
]
