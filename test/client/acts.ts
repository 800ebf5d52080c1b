import type { Act } from './scenario.ts'

export const open: Act = () => undefined
export const wait =
  (days: number): Act =>
  (stage) =>
    stage.wait(days)
export const all =
  (...acts: readonly Act[]): Act =>
  async (stage) => {
    for (const act of acts) await act(stage)
  }
/** Does something on the server side. */
export const tell =
  (name: string, ...args: readonly unknown[]): Act =>
  (stage) =>
    stage.tell(name, ...args)
export const restart: Act = (stage) => stage.restart()
export const refresh: Act = (stage) => stage.refresh()
export const enterNew: Act = (stage) => stage.enterNew()
export const enterFirst: Act = (stage) => stage.enterFirst()
export const skew =
  (days: number): Act =>
  (stage) =>
    stage.skew(days)
export const fail = (fault: string, requests?: number): Act => tell('fail', fault, requests ?? null)
export const recover: Act = tell('recover')
export const revoke: Act = tell('revoke')
export const reinstate: Act = tell('reinstate')
