import type {
  Diagnosis,
  DiagnosisKind,
  DiagnosticCause,
  DiagnosticCheck,
  DiagnosticCheckName,
  DiagnosticFacts,
  DiagnosticWarning,
} from './diagnosis.ts'

/** The judgement of a check that passed. */
export interface Passed {
  readonly sentence: string
  readonly facts?: DiagnosticFacts
  readonly warning?: DiagnosticWarning
  /** The way to mend what it warns of. */
  readonly remedy?: string
}

/** The judgement of a check that failed. */
export interface Failed {
  readonly cause: DiagnosticCause
  readonly sentence: string
  readonly remedy: string
  /** The error code with which the server refuses. */
  readonly code: string
  readonly facts?: DiagnosticFacts
}

/** One check, and its judgement. A judge runs only if all checks before it passed. */
export type Step = readonly [check: DiagnosticCheckName, judge: () => Passed | Failed]

function isFailed(judgement: Passed | Failed): judgement is Failed {
  return 'cause' in judgement
}

const notReached = 'Not checked, because an earlier check failed.'

function toCheck(check: DiagnosticCheckName, judgement: Passed | Failed): DiagnosticCheck {
  const { sentence, facts = {} } = judgement
  if (isFailed(judgement))
    return { check, state: 'failed', sentence, facts: { code: judgement.code, ...facts } }
  const { warning } = judgement
  return {
    check,
    state: 'passed',
    sentence,
    facts: warning === undefined ? facts : { warning, ...facts },
  }
}

/** The outcome of a ladder. */
export type Climbed = Pick<Diagnosis, 'checks' | 'cause' | 'remedy'>

/** Climbs a ladder up to the first check that fails. Without one, the remedy is that of the first warning. */
export function climb(steps: readonly Step[]): Climbed {
  const checks: DiagnosticCheck[] = []
  let failed: Failed | null = null
  let remedy: string | null = null
  for (const [check, judge] of steps) {
    if (failed !== null) {
      checks.push({ check, state: 'not_reached', sentence: notReached, facts: {} })
      continue
    }
    const judgement = judge()
    checks.push(toCheck(check, judgement))
    if (isFailed(judgement)) failed = judgement
    else remedy ??= judgement.remedy ?? null
  }
  return failed === null
    ? { checks, cause: null, remedy }
    : { checks, cause: failed.cause, remedy: failed.remedy }
}

/** A diagnosis by a ladder. */
export function diagnosisOf(
  kind: DiagnosisKind,
  steps: readonly Step[],
  found: Partial<Pick<Diagnosis, 'app' | 'licenseId'>> = {},
): Diagnosis {
  const { app = null, licenseId = null } = found
  return { kind, app, licenseId, ...climb(steps), candidates: [] }
}

/** A diagnosis with one check, which failed. */
export function failedAt(
  kind: DiagnosisKind,
  check: DiagnosticCheckName,
  failed: Failed,
  app: string | null = null,
): Diagnosis {
  return diagnosisOf(kind, [[check, () => failed]], { app })
}
