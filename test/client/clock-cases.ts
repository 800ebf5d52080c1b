import type { TestLicense } from '../../src/testing/server.ts'
import {
  enterFirstToken,
  enterNewToken,
  onServer,
  recover,
  refresh,
  restart,
  sequence,
  skewClock,
  wait,
} from './steps.ts'
import type { LifecycleCase, Observation } from './lifecycle-case.ts'

const good: Observation = ['active none', 'ok']
const due: Observation = ['refresh_due refresh', 'ok']
const forever: TestLicense = { forever: true }

/** Cases of wrong clocks, and of a program's own time limits. */
export const clockCases: readonly LifecycleCase[] = [
  {
    name: 'license.state: clock_suspect while the clock is behind the token, good again when it is right',
    license: forever,
    options: { offline: true },
    steps: [
      [wait(3), due],
      [skewClock(-30), ['clock_suspect check_clock', 'ok', 'clock']],
      [restart, ['clock_suspect check_clock', 'ok', 'clock']],
      [skewClock(0), due],
    ],
  },
  {
    name: 'license.state: clock_suspect while the clock is behind the latest time seen, though not behind the token',
    license: { durationDays: 6 },
    options: { offline: true },
    steps: [
      [wait(4), due],
      [sequence(restart, skewClock(-2), restart), ['clock_suspect check_clock', 'ok', 'clock']],
      [wait(2.5), ['refresh_due refresh', 'token_expired', 'clock']],
    ],
  },
  {
    name: 'license.state: stays expired when the clock is set back',
    license: { durationDays: 3 },
    options: { offline: true, graceDays: 0 },
    steps: [
      [wait(3.5), ['expired renew', 'token_expired']],
      [sequence(skewClock(-2), restart), ['expired check_clock', 'token_expired']],
    ],
  },
  {
    name: 'license.state: active with a clock that is five minutes behind',
    license: forever,
    steps: [[sequence(skewClock(-300 / 86_400), restart), good]],
  },
  {
    name: 'license.state: active again after one refresh, if the clock was a year ahead',
    license: { durationDays: 400 },
    options: { offline: true },
    steps: [
      [sequence(skewClock(365), wait(1)), due],
      [sequence(skewClock(0), restart), ['clock_suspect check_clock', 'ok', 'clock']],
      [sequence(recover, refresh), good],
      [wait(2), good],
    ],
  },
  {
    name: 'license.state: expired with a clock beyond the end, until it is right and a refresh succeeds',
    license: { durationDays: 30 },
    options: { offline: true },
    steps: [
      [sequence(skewClock(100), wait(0.1)), ['expired renew', 'ok', 'clock']],
      [sequence(skewClock(0), restart), ['expired check_clock', 'ok', 'clock']],
      [sequence(recover, wait(1)), good],
    ],
  },
  {
    name: 'license.state: check_clock without a server after 20 years ahead, until a newer token is entered',
    license: { durationDays: 365 },
    options: { offline: true },
    steps: [
      [sequence(skewClock(20 * 365), restart), ['expired renew', 'ok', 'clock']],
      [sequence(skewClock(0), restart), ['expired check_clock', 'ok', 'clock']],
      [enterFirstToken, ['expired check_clock', 'ok', 'clock']],
      [sequence(onServer('invalidatePrevious'), enterNewToken), good],
      [restart, good],
    ],
  },
  {
    name: 'license.state: active within two hours after a clock beyond the end is right again',
    license: { durationDays: 30 },
    steps: [
      [sequence(skewClock(100), wait(0.1)), ['expired renew', 'ok', 'clock']],
      [sequence(skewClock(0), wait(1 / 12)), good],
    ],
  },
  {
    name: 'maxOfflineDays: leads to grace, then to expired, and one refresh heals it',
    license: forever,
    options: { maxOfflineDays: 5, graceDays: 2, offline: true },
    steps: [
      [wait(4.9), due],
      [wait(0.1), ['grace refresh', 'ok', 'own limit']],
      [restart, ['grace refresh', 'ok', 'own limit']],
      [wait(2), ['expired refresh', 'ok', 'own limit']],
      [sequence(wait(0.1), skewClock(-5), restart), ['expired refresh', 'ok', 'own limit']],
      [sequence(skewClock(-400), restart), ['expired refresh', 'ok', 'own limit']],
      [sequence(skewClock(0), recover, wait(1 / 12)), good],
    ],
  },
  {
    name: 'graceDays: begin once, at the earlier of the two ends',
    license: { durationDays: 6 },
    options: { maxOfflineDays: 5, graceDays: 2, offline: true },
    steps: [
      [wait(6.5), ['grace renew', 'token_expired']],
      [wait(0.5), ['expired renew', 'token_expired']],
    ],
  },
]
