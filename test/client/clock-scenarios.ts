import type { TestLicense } from '../../src/testing/server.ts'
import { all, recover, refresh, restart, skew, wait } from './acts.ts'
import type { Scenario, Sight } from './scenario.ts'

const good: Sight = ['active none', 'ok']
const due: Sight = ['refresh_due refresh', 'ok']
const forever: TestLicense = { forever: true }

/** What time does: clocks that are wrong, and limits of a program's own. */
export const clockScenarios: readonly Scenario[] = [
  {
    name: 'a clock set back behind the token is suspect, and good again when it is set right',
    license: forever,
    options: { offline: true },
    steps: [
      [wait(3), due],
      [skew(-30), ['clock_suspect check_clock', 'ok', 'clock']],
      [restart, ['clock_suspect check_clock', 'ok', 'clock']],
      [skew(0), due],
    ],
  },
  {
    name: 'a clock set back behind what was seen is suspect, though it is not behind the token',
    license: { durationDays: 6 },
    options: { offline: true },
    steps: [
      [wait(4), due],
      [all(restart, skew(-2), restart), ['clock_suspect check_clock', 'ok', 'clock']],
      [wait(2.5), ['refresh_due refresh', 'token_expired', 'clock']],
    ],
  },
  {
    name: 'an expired license does not come back by setting the clock',
    license: { durationDays: 3 },
    options: { offline: true, graceDays: 0 },
    steps: [
      [wait(3.5), ['expired renew', 'token_expired']],
      [all(skew(-2), restart), ['expired renew', 'token_expired']],
    ],
  },
  {
    name: 'a clock five minutes behind is in order',
    license: forever,
    steps: [[all(skew(-300 / 86_400), restart), good]],
  },
  {
    name: 'a clock a year ahead costs nothing once the server has answered',
    license: { durationDays: 400 },
    options: { offline: true },
    steps: [
      [all(skew(365), wait(1)), due],
      [all(skew(0), restart), ['clock_suspect check_clock', 'ok', 'clock']],
      [all(recover, refresh), good],
      [wait(2), good],
    ],
  },
  {
    name: 'a clock ahead of the end is expired until it is right and the server has answered',
    license: { durationDays: 30 },
    options: { offline: true },
    steps: [
      [all(skew(100), wait(0.1)), ['expired renew', 'ok', 'clock']],
      [all(skew(0), restart), ['expired renew', 'ok', 'clock']],
      [all(recover, wait(1)), good],
    ],
  },
  {
    name: 'a clock that was ahead beyond the end, with the server there: good within two hours of being right',
    license: { durationDays: 30 },
    steps: [
      [all(skew(100), wait(0.1)), ['expired renew', 'ok', 'clock']],
      [all(skew(0), wait(1 / 12)), good],
    ],
  },
  {
    name: 'maxOfflineDays: a license without end goes unseen so long, then grace, then no more; one answer heals it',
    license: forever,
    options: { maxOfflineDays: 5, graceDays: 2, offline: true },
    steps: [
      [wait(4.9), due],
      [wait(0.1), ['grace refresh', 'ok', 'own limit']],
      [restart, ['grace refresh', 'ok', 'own limit']],
      [wait(2), ['expired refresh', 'ok', 'own limit']],
      [all(wait(0.1), skew(-5), restart), ['expired refresh', 'ok', 'own limit']],
      [all(skew(-400), restart), ['expired refresh', 'ok', 'own limit']],
      [all(skew(0), recover, wait(1 / 12)), good],
    ],
  },
  {
    name: 'grace begins once: at the earlier of the two ends',
    license: { durationDays: 6 },
    options: { maxOfflineDays: 5, graceDays: 2, offline: true },
    steps: [
      [wait(6.5), ['grace renew', 'token_expired']],
      [wait(0.5), ['expired renew', 'token_expired']],
    ],
  },
]
