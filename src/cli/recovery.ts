import { rm } from 'node:fs/promises'
import { toWire } from '../adapters/http/wire.ts'
import {
  generateRsaKeyPair,
  LicensingError,
  recoveryKeyId,
  signWithRecoveryKey,
  type KeyStatement,
  type Licensing,
  type Recover,
  type RecoverySet,
  type StatementSignature,
} from '../core/index.ts'
import { withExistingDatabase } from './database.ts'
import { cannotCreate, CliError } from './errors.ts'
import { writeNewFile } from './new-file.ts'
import type { CliSettings } from './settings.ts'
import { jsonOf, type AsJson, type Output } from './terminal/output.ts'
import { readTextFile } from './text-file.ts'

export interface CreateRecoveryOptions extends AsJson {
  /** The files of the new private keys, one a key. */
  readonly out: readonly string[]
  readonly threshold?: number
  /** The files of the present recovery keys, if the app has some. */
  readonly recoveryKey?: readonly string[]
}

export interface RevokeKeysOptions extends AsJson {
  readonly kid: readonly string[]
  readonly recoveryKey: readonly string[]
}

export interface MendChainOptions extends AsJson {
  readonly recoveryKey: readonly string[]
}

/** Signs with the recovery keys of these files; `undefined` without files. @throws {CliError} if one cannot be read. */
export async function recoverWith(files: readonly string[] | undefined): Promise<Recover | undefined> {
  if (files === undefined || files.length === 0) return undefined
  const pems: string[] = []
  for (const file of files) pems.push(await readRecoveryKey(file))
  return (payload) => Promise.all(pems.map((pem) => signWithRecoveryKey(payload, pem)))
}

async function readRecoveryKey(file: string): Promise<string> {
  const pem = await readTextFile('The recovery key', file)
  await recoveryKeyId(pem).catch((cause: unknown) => {
    throw new CliError(`The recovery key ${file}: it is no private RSA key in PEM of 2048 bits or more`, {
      cause,
    })
  })
  return pem
}

/** Writes a new private key for its owner alone. Resolves to its thumbprint, as the file gives it. */
async function writeRecoveryKey(file: string): Promise<string> {
  const { privateKeyPem } = await generateRsaKeyPair()
  try {
    await writeNewFile(file, (handle) => handle.writeFile(privateKeyPem))
  } catch (cause) {
    throw cannotCreate(file, cause)
  }
  return recoveryKeyId(await readRecoveryKey(file))
}

function uncertain(cause: unknown, files: readonly string[]): CliError {
  const advice = `Keep ${files.join(', ')} until heartwood apps trust shows whether the app has these recovery keys`
  return new CliError(`${(cause as Error).message}. ${advice}`, { cause })
}

/** False if the database may have kept the work all the same, as when the connection is lost at the commit. */
function isRefusal(error: unknown): boolean {
  return error instanceof CliError || (error instanceof LicensingError && error.code !== 'unavailable')
}

/**
 * Writes the files, and removes them again if one of them or `work` is refused: nobody may take a useless key for a recovery
 * key. After any other failure of `work` they stay, because they may be the only recovery keys of the app.
 */
export async function withNewKeys<T>(
  files: readonly string[],
  work: (kids: readonly string[]) => Promise<T>,
): Promise<T> {
  const written: string[] = []
  const kids: string[] = []
  try {
    for (const file of files) {
      kids.push(await writeRecoveryKey(file))
      written.push(file)
    }
    return await work(kids)
  } catch (error) {
    if (kids.length === files.length && !isRefusal(error)) throw uncertain(error, written)
    for (const file of written) await rm(file, { force: true })
    throw error
  }
}

function createdText(slug: string, { threshold, kids }: RecoverySet, files: readonly string[]): string {
  return [
    `${slug} has ${kids.length} recovery keys now; ${threshold} of them must sign after a theft: ${files.join(', ')}.`,
    'Move each file to a safe place away from the server. Heartwood keeps no copy.',
  ].join('\n')
}

/** Lets several sign in turn. */
function together(recovers: readonly (Recover | undefined)[]): Recover {
  return async (payload) => {
    const signatures: StatementSignature[] = []
    for (const recover of recovers) signatures.push(...((await recover?.(payload)) ?? []))
    return signatures
  }
}

/** Makes recovery keys, and gives them to the app. Their files sign, which proves that they hold the keys. */
export async function createRecovery(
  settings: CliSettings,
  slug: string,
  { out, threshold = 1, recoveryKey, json }: CreateRecoveryOptions,
  output: Output,
): Promise<void> {
  if (threshold > out.length) throw new CliError('--threshold must be at most the number of --out')
  const present = await recoverWith(recoveryKey)
  await withExistingDatabase(settings, async ({ licensing }) => {
    await licensing.apps.get(slug)
    const { seq, ...recovery } = await withNewKeys(out, async (kids) => {
      const set = { threshold, kids }
      const recover = together([present, await recoverWith(out)])
      return { ...(await licensing.recovery.set(slug, set, recover)), ...set }
    })
    output.line(json ? jsonOf(toWire({ seq, ...recovery, files: out })) : createdText(slug, recovery, out))
  })
}

/** The last statement about the signing keys of an app. */
async function lastStatement({ apps }: Licensing, slug: string): Promise<KeyStatement> {
  const { statements } = await apps.trust(slug)
  const { payload } = statements.at(-1)!
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as KeyStatement
}

/** The recovery keys of an app whose statements miss its active key. @throws {CliError} if there is nothing to mend, or no way. */
async function recoveryBeforeGap(licensing: Licensing, slug: string): Promise<RecoverySet> {
  const { key, recovery } = await lastStatement(licensing, slug)
  const [active] = (await licensing.apps.jwks(slug)).keys
  if (key.n === active?.n)
    throw new CliError(`The statements of ${slug} lead to its active signing key already`)
  if (recovery === null)
    throw new CliError(`${slug} has no recovery key, and nothing else can sign what is missing`)
  return recovery
}

/** Leads the statements of an app to its active signing key again, after a server without statements has rotated. */
export async function mendChain(
  settings: CliSettings,
  slug: string,
  { recoveryKey, json }: MendChainOptions,
  output: Output,
): Promise<void> {
  const recover = (await recoverWith(recoveryKey))!
  const { seq } = await withExistingDatabase(settings, async ({ licensing }) =>
    licensing.recovery.set(slug, await recoveryBeforeGap(licensing, slug), recover),
  )
  output.line(json ? jsonOf({ seq }) : `Statement ${seq} of ${slug} leads to its active signing key.`)
}

/** Revokes earlier signing keys of an app. */
export async function revokeKeys(
  settings: CliSettings,
  slug: string,
  { kid: kids, recoveryKey, json }: RevokeKeysOptions,
  output: Output,
): Promise<void> {
  const recover = (await recoverWith(recoveryKey))!
  const { seq } = await withExistingDatabase(settings, ({ licensing }) =>
    licensing.recovery.revoke(slug, kids, recover),
  )
  output.line(json ? jsonOf({ seq, kids }) : `Statement ${seq} of ${slug} revokes ${kids.join(', ')}.`)
}
