import type { Step } from './lifecycle-case.ts'

export const start: Step = () => undefined
export const wait =
  (days: number): Step =>
  (program) =>
    program.wait(days)
export const sequence =
  (...steps: readonly Step[]): Step =>
  async (program) => {
    for (const step of steps) await step(program)
  }
/** Runs a command of the fake server. */
export const onServer =
  (name: string, ...args: readonly unknown[]): Step =>
  (program) =>
    program.onServer(name, ...args)
export const restart: Step = (program) => program.restart()
export const refresh: Step = (program) => program.refresh()
export const enterNewToken: Step = (program) => program.enterNewToken()
export const enterLicenseFile: Step = (program) => program.enterLicenseFile()
export const enterFirstToken: Step = (program) => program.enterFirstToken()
export const skewClock =
  (days: number): Step =>
  (program) =>
    program.skewClock(days)
export const fail = (fault: string, requests?: number): Step => onServer('fail', fault, requests ?? null)
export const recover: Step = onServer('recover')
export const revoke: Step = onServer('revoke')
export const reinstate: Step = onServer('reinstate')
