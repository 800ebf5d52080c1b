import type { TestLicense } from '../../src/testing/server.ts'
import {
  open,
  wait,
  all,
  tell,
  restart,
  enterNew,
  enterFirst,
  fail,
  recover,
  revoke,
  reinstate,
} from './acts.ts'
import { clockScenarios } from './clock-scenarios.ts'
import type { KeySource } from '../../src/client/index.ts'
import type { Scenario, Sight } from './scenario.ts'

const good: Sight = ['active none', 'ok']
const due: Sight = ['refresh_due refresh', 'ok']
const noToken: Sight = ['invalid new_token', 'none']
const banned: Sight = ['revoked contact', 'license_revoked']

const forever: TestLicense = { forever: true }

const plain: readonly Scenario[] = [
  {
    name: 'a good license stays active while its server answers',
    license: { durationDays: 365 },
    steps: [
      [open, good],
      [wait(1), good],
      [wait(20), good],
    ],
  },
  {
    name: 'a license without end stays active over restarts',
    license: forever,
    steps: [
      [wait(20), good],
      [restart, good],
      [wait(20), good],
    ],
  },
  {
    name: 'a license ends at its second, stays in grace for a week, and then no more',
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
    name: 'without grace it has expired at its second',
    license: { durationDays: 1 },
    options: { graceDays: 0 },
    steps: [[wait(1), ['expired renew', 'token_expired']]],
  },
  {
    name: 'an end that the vendor moves in time is never noticed',
    license: { durationDays: 3 },
    steps: [
      [wait(2), good],
      [tell('extend', 30), good],
      [wait(2), good],
      [wait(27), good],
    ],
  },
  {
    name: 'an end moved in its last hour is not missed',
    license: { durationDays: 3 },
    steps: [
      [wait(3 - 1 / 24), good],
      [tell('extend', 30), good],
      [wait(1), good],
    ],
  },
  {
    name: 'features of the tier arrive within a day',
    steps: [
      [tell('addFeature', 'webhooks'), good],
      [
        all(
          (stage) => stage.lacks('webhooks'),
          wait(1),
          (stage) => stage.grants('webhooks'),
        ),
        good,
      ],
    ],
  },
  {
    name: 'without a token there is nothing to use',
    options: { withoutToken: true },
    steps: [[open, noToken]],
  },
  {
    name: 'a token the user enters is there at once and after a restart',
    options: { withoutToken: true },
    steps: [
      [enterNew, good],
      [restart, good],
    ],
  },
]

const outages: readonly Scenario[] = (
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
    name: `${fault} for the whole life of the token: the program goes on, and says what is going on`,
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
      [all(recover, wait(1)), ['expired renew', 'token_expired']],
    ],
  },
  {
    name: `${fault} on a license without end: it goes on, and recovers by itself within two hours`,
    license: forever,
    steps: [
      [all(fail(fault), wait(7)), due],
      [restart, due],
      [all(recover, wait(1 / 12)), good],
    ],
  },
])

const interruptions: readonly Scenario[] = [
  {
    name: 'an answer that gets lost is asked for again, by the token that is still there',
    license: forever,
    steps: [
      [all(fail('lost_answer', 1), wait(1.1)), good],
      [wait(10), good],
    ],
  },
  {
    name: 'an outage of an hour is not even noticed',
    license: forever,
    steps: [
      [wait(20 / 24), good],
      [all(fail('outage'), wait(1 / 24), recover, wait(0.5)), good],
    ],
  },
]

const refusals: readonly Scenario[] = [
  {
    name: 'revoked: known within a day, over a restart, and by the old token no more',
    license: forever,
    steps: [
      [revoke, ['active none', 'license_revoked', 'unaware']],
      [wait(1), banned],
      [restart, banned],
      [wait(30), banned],
      [enterFirst, banned],
      [restart, banned],
    ],
  },
  {
    name: 'revoked while offline: known as soon as the server answers, and an outage after it brings nothing back',
    license: forever,
    steps: [
      [all(fail('outage'), revoke, wait(5)), ['refresh_due refresh', 'license_revoked', 'unaware']],
      [all(recover, wait(1 / 12)), banned],
      [all(fail('outage'), restart), banned],
      [wait(5), banned],
    ],
  },
  {
    name: 'revoked and configured: the token in the settings does not bring it back',
    license: forever,
    options: { configured: true },
    steps: [
      [all(revoke, wait(1)), banned],
      [restart, banned],
      [all(fail('outage'), restart), banned],
    ],
  },
  {
    name: 'revoked and reinstated: a new token from the vendor makes it good again',
    license: forever,
    steps: [
      [all(revoke, wait(1)), banned],
      [reinstate, ['revoked contact', 'ok', 'unaware']],
      [enterNew, good],
      [restart, good],
    ],
  },
  {
    name: 'reinstated before it was asked: never noticed',
    license: forever,
    steps: [[all(fail('outage'), revoke, wait(3), reinstate, recover, wait(1)), good]],
  },
  {
    name: 'deleted: the token is kept to its end, and a new one asked for',
    license: { durationDays: 10 },
    steps: [
      [all(tell('delete'), wait(1)), ['refresh_due new_token', 'not_found']],
      [restart, ['refresh_due new_token', 'not_found']],
      [wait(8), ['refresh_due new_token', 'not_found']],
      [wait(1), ['grace new_token', 'not_found']],
      // The token's end comes first, at the renewal that the documents describe.
      [wait(7), ['expired renew', 'not_found', 'unaware']],
    ],
  },
  {
    name: 'shortened by the vendor: said, and kept to the end that was signed',
    license: { durationDays: 30 },
    steps: [
      [all(tell('extend', 0.5), wait(1)), ['refresh_due renew', 'token_expired']],
      [wait(29), ['grace renew', 'token_expired']],
    ],
  },
  {
    name: 'its tier deleted: said, and the license goes on',
    license: forever,
    steps: [[all(tell('deleteTier'), wait(2)), ['refresh_due contact', 'ok', 'own limit']]],
  },
  {
    name: 'earlier tokens invalidated: the client that has one is told, and the new one makes it good',
    license: forever,
    steps: [
      [all(tell('invalidatePrevious'), wait(2)), ['refresh_due new_token', 'invalid_token']],
      [enterNew, good],
    ],
  },
]

/** The thumbprint of the second key pair of every test server. */
const nextKey = 'inBb-o2Kd_MU-vnxPXE2OgrwCWYXSKgZEMN3pCvkuz0'

const keySources: Readonly<Record<string, KeySource>> = {
  'jwks.json': { from: 'jwks.json', pin: 'origin' },
  'public-key': { from: 'public-key', pin: 'origin' },
  'pinned by thumbprint': { from: 'jwks.json', pin: [nextKey] },
}

const rotations: readonly Scenario[] = ['bundled', ...Object.keys(keySources)].flatMap((from) => {
  const source = keySources[from]
  const refreshKeys = source === undefined ? {} : { refreshKeys: source }
  const knows = source !== undefined
  const isPinned = source !== undefined && source.pin !== 'origin'
  const lost: Sight = ['invalid refresh', 'none']
  const unknown: Sight = ['refresh_due update', 'ok', 'own limit']
  return [
    {
      name: `rotation with grace, keys ${from}: ${knows ? 'never noticed' : 'good by the old token, and the program is to be updated'}`,
      license: forever,
      options: refreshKeys,
      steps: [
        [tell('rotate', 30), good],
        [wait(2), knows ? good : unknown],
        [restart, knows ? good : unknown],
        [wait(40), knows ? good : ['refresh_due new_token', 'invalid_token']],
        [
          all(fail('outage'), restart),
          knows
            ? isPinned
              ? good
              : ['refresh_due refresh', 'invalid_token', 'unaware']
            : ['refresh_due new_token', 'invalid_token'],
        ],
      ],
    },
    {
      name: `rotation without grace, keys ${from}: good by the old token, and a new one asked for`,
      license: { durationDays: 60 },
      options: refreshKeys,
      steps: [
        [tell('rotate', 0), ['active none', 'invalid_token', 'unaware']],
        [wait(2), ['refresh_due new_token', 'invalid_token']],
        [restart, ['refresh_due new_token', 'invalid_token']],
        [enterNew, knows ? good : ['refresh_due new_token', 'invalid_token']],
        [wait(2), knows ? good : ['refresh_due new_token', 'invalid_token']],
        [wait(60), [knows ? 'grace renew' : 'grace new_token', knows ? 'token_expired' : 'invalid_token']],
      ],
    },
    {
      name: `licensed after a rotation, keys ${from}: a restart ${knows ? `needs ${isPinned ? 'no' : 'a'} network` : 'is no license'}`,
      license: forever,
      options: { ...refreshKeys, withoutToken: true },
      steps: [
        [all(tell('rotate', 0), enterNew), knows ? good : noToken],
        [restart, knows ? good : noToken],
        [all(fail('outage'), restart), knows ? (isPinned ? good : lost) : noToken],
        [wait(3), knows ? (isPinned ? due : lost) : noToken],
        [all(recover, wait(1 / 12)), knows ? good : noToken],
      ],
    },
  ]
}) as readonly Scenario[]

const stores: readonly Scenario[] = [
  {
    name: 'a damaged store is no license, and no crash; the token entered again heals it',
    license: forever,
    steps: [
      [(stage) => stage.damage('{"format":1,"token"'), noToken],
      [enterFirst, good],
      [restart, good],
    ],
  },
  {
    name: 'somebody else’s token in the store is no license',
    steps: [[(stage) => stage.damageToken((token) => `${token.slice(0, -5)}AAAAA`), noToken]],
  },
  {
    name: 'an older token never takes the place of a newer one',
    license: forever,
    steps: [
      [all(tell('addFeature', 'webhooks'), wait(1)), good],
      [all(enterFirst, (stage) => stage.grants('webhooks')), good],
      [all(restart, (stage) => stage.grants('webhooks')), good],
    ],
  },
  {
    name: 'a store that cannot be used forgets, and the program goes on',
    license: forever,
    options: { brokenStore: true },
    steps: [
      [enterFirst, good],
      [wait(3), good],
      [restart, noToken],
    ],
  },
]

/** States × faults: run on every runtime and in a browser. */
export const scenarios: readonly Scenario[] = [
  ...plain,
  ...outages,
  ...interruptions,
  ...refusals,
  ...rotations,
  ...clockScenarios,
  ...stores,
]
