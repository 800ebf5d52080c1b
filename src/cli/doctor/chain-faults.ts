import { signedStatementOf } from '../../core/keys/chain.ts'
import type { AppRecord, KeyStatementRecord, SigningKeyRecord } from '../../core/storage/index.ts'
import { readStatement, warrantOf, type ReadStatement } from '../../core/token/statement.ts'
import type { Finding } from './checks.ts'

/** The statements of an app, each as programs read it; `null` for one that they cannot. */
type Read = readonly (ReadStatement | null)[]

function whereOf({ appId, seq }: Pick<KeyStatementRecord, 'appId' | 'seq'>): string {
  return `statement ${seq} of app ${appId}`
}

async function readRecord(app: AppRecord, record: KeyStatementRecord): Promise<ReadStatement | null> {
  try {
    const expected = { issuer: app.issuer, audience: app.slug }
    const read = await readStatement(signedStatementOf(record), expected)
    return read?.seq === record.seq ? read : null
  } catch {
    // Its signatures are no JSON.
    return null
  }
}

/** The fault of a statement after the one before it; `null` if it follows. */
async function faultAfter(before: ReadStatement | null, next: ReadStatement): Promise<string | null> {
  const [seq, prev] = before === null ? [1, null] : [before.seq + 1, before.hash]
  if (next.seq !== seq || next.prev !== prev) return 'does not follow the statement before it'
  const authority = { signers: [before ?? next], recovery: before?.recovery ?? null }
  // Programs too take whatever else the signatures hold, such as a null, for a fault.
  if ((await warrantOf(next, authority).catch(() => null)) !== null) return null
  return 'is signed neither by the key before it nor by enough recovery keys'
}

async function faultAt(read: Read, at: number): Promise<string | null> {
  const [before, next] = [read[at - 1] ?? null, read[at] ?? null]
  if (next === null) return 'cannot be read, or is not signed by the key that it names'
  // The statement before it is reported already.
  return at > 0 && before === null ? null : faultAfter(before, next)
}

/** The way out of a gap, which a server without statements leaves when it rotates. */
function remedyOf({ recovery }: AppRecord): string {
  return recovery === null
    ? 'programs that were built with an earlier key need an update'
    : 'heartwood apps recovery mend leads them there'
}

/** The faults of the chain as a whole. */
function endFaults(app: AppRecord, read: Read, keys: readonly SigningKeyRecord[]): readonly string[] {
  const [first, last] = [read[0] ?? null, read.at(-1) ?? null]
  const active = keys.find(({ acceptedUntil }) => acceptedUntil === null)
  const named = new Set(read.map((statement) => statement?.kid))
  const later = keys.filter(({ createdAt }) => first !== null && createdAt > first.iat)
  const isKept = JSON.stringify(app.recovery) === JSON.stringify(last?.recovery ?? null)
  return [
    ...(last === null || last.kid === active?.kid
      ? []
      : [`has statements that do not lead to its active signing key; ${remedyOf(app)}`]),
    ...(later.every(({ kid }) => named.has(kid)) ? [] : ['has a signing key that no statement names']),
    ...(isKept ? [] : ['has other recovery keys than its last statement']),
  ]
}

/**
 * Walks the statements of an app as a program does that was built with its first key. If that walk holds, one from every later
 * key does too, because each key has signed the statement that names it.
 */
export async function chainFaults(
  app: AppRecord,
  statements: readonly KeyStatementRecord[],
  keys: readonly SigningKeyRecord[],
): Promise<readonly Finding[]> {
  const read = await Promise.all(statements.map((record) => readRecord(app, record)))
  const findings: Finding[] = []
  for (const [at, statement] of statements.entries()) {
    const what = await faultAt(read, at)
    if (what !== null) findings.push({ where: whereOf(statement), what })
  }
  return [...findings, ...endFaults(app, read, keys).map((what) => ({ where: `app ${app.id}`, what }))]
}
