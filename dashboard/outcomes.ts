import type { ReadonlySignal } from '@preact/signals'
import type { Stats } from '../src/core/index.ts'
import { licensing } from './api.ts'
import { useKnown, type Known } from './data.ts'
import { now } from './times.ts'

/** The acts of programs that an app counts. */
export const programActs = ['verify', 'renew', 'activate'] as const
export type ProgramAct = (typeof programActs)[number]

/** The number of times that a program got the same reply. */
export interface Outcome {
  readonly act: ProgramAct
  /** `ok` for a good one. */
  readonly code: string
  readonly count: number
}

function isAct(text: string): text is ProgramAct {
  return programActs.some((act) => act === text)
}

/** The replies of a period, by act and code, the most frequent first. */
export function outcomesOf({ series }: Stats): readonly Outcome[] {
  return Object.entries(series)
    .flatMap(([name, numbers]) => {
      const [act = '', code = ''] = name.split('.')
      const count = numbers.reduce((sum, each) => sum + each, 0)
      return isAct(act) && count > 0 ? [{ act, code, count }] : []
    })
    .toSorted((a, b) => b.count - a.count)
}

export function sumOf(outcomes: readonly Outcome[]): { readonly good: number; readonly refused: number } {
  let good = 0
  let refused = 0
  for (const { code, count } of outcomes)
    if (code === 'ok') good += count
    else refused += count
  return { good, refused }
}

/** The name under which the replies of today are known. */
export function todayName(app: string): string {
  return `today ${app}`
}

/** The replies to the programs of an app since midnight UTC. */
export function useToday(app: string): ReadonlySignal<Known<readonly Outcome[]>> {
  return useKnown(todayName(app), async (signal) =>
    outcomesOf(await licensing.withOptions({ signal }).stats(app, { from: now(), step: 'day' })),
  )
}
