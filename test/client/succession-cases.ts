import type { LifecycleCase, Observation, ProgramOptions } from './lifecycle-case.ts'
import { lifecycleCases, rotationsWith } from './lifecycle-cases.ts'
import { enterLicenseFile, enterNewToken, fail, onServer, recover, restart, sequence, wait } from './steps.ts'

const good: Observation = ['active none', 'ok']
const unaware: Observation = ['active none', 'invalid_token', 'unaware']
const replaced: Observation = ['refresh_due new_token', 'invalid_token']

const programs: Readonly<Record<string, ProgramOptions>> = {
  'built with a key': { refreshKeys: { from: 'trust.json' } },
  'built with a trust file': { carriesTrust: true },
}

/** Rotations that a program follows by statements. Clients and servers of 0.1.0 know none. */
const successions: readonly LifecycleCase[] = Object.entries(programs).flatMap(([name, options]) => [
  {
    name: `license.state: a compromised rotation, ${name}: accepts the new token, and then no older one`,
    license: { forever: true },
    options,
    steps: [
      [onServer('compromise'), unaware],
      [wait(2), replaced],
      [enterNewToken, good],
      [sequence(fail('outage'), restart), good],
    ],
  },
  {
    name: `license.state: a key in grace that recovery keys revoke, ${name}: accepts the new token, and then no older one`,
    license: { forever: true },
    options,
    steps: [
      [sequence(onServer('setRecovery'), onServer('rotate', 30)), good],
      [onServer('revokeRetiredKeys'), unaware],
      [wait(2), replaced],
      [enterNewToken, good],
      [sequence(fail('outage'), restart), good],
    ],
  },
  {
    name: `license.state: two rotations, ${name}: a license file leads to the last key without a network`,
    license: { forever: true },
    options,
    steps: [
      [sequence(fail('outage'), onServer('rotate', 7), onServer('compromise')), unaware],
      [enterLicenseFile, good],
      [restart, good],
      [sequence(recover, wait(2)), good],
    ],
  },
])

/** The table of the lifecycle, and its rows for programs that follow statements. */
export const allCases: readonly LifecycleCase[] = [
  ...lifecycleCases,
  ...rotationsWith('trust.json', { from: 'trust.json' }),
  ...(successions as readonly LifecycleCase[]),
]
