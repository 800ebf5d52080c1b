import type { Context } from '../context.ts'
import { statesOf, type SigningKey } from '../keys/app-keys.ts'
import { may } from '../principal.ts'
import type { AppRecord } from '../storage/index.ts'
import type { PastedSecret } from '../secret-text.ts'
import type { Diagnosis, DiagnosisKind } from './diagnosis.ts'
import { diagnosisOf, failedAt, type Failed, type Passed } from './ladder.ts'
import { noAccess } from './license-key-ladder.ts'
import { noLicense } from './licenses.ts'
import { askForMore } from './remedies.ts'
import { findEach } from './whereabouts.ts'
import { timeOf } from './wording.ts'

function stateIs({ slug }: AppRecord, key: SigningKey): Passed | Failed {
  const { kid, state, retiredAt, reason, acceptedUntil } = key
  if (state === 'active') return { sentence: 'It is the active signing key of the app.', facts: { kid } }
  const when = retiredAt === null ? '' : ` on ${timeOf(retiredAt)}`
  const what = `${reason === 'compromised' ? 'It was revoked as compromised' : 'A rotation retired it'}${when}`
  if (acceptedUntil !== null)
    return {
      sentence: `${what}. The server takes its tokens until ${timeOf(acceptedUntil)}.`,
      warning: 'in_grace',
      facts: { kid, retiredAt, acceptedUntil },
    }
  return {
    cause: reason === 'compromised' ? 'key_compromised' : 'key_retired',
    code: 'invalid_token',
    sentence: `${what}, and the server takes its tokens no longer.`,
    remedy: `Programs need the present key: GET /api/v1/apps/${slug}/trust.json. Customers need a new token: \`heartwood licenses get ID --app ${slug}\`.`,
    facts: { kid, retiredAt, reason },
  }
}

/** Diagnoses thumbprints of signing keys. */
export async function diagnoseSigningKeys(context: Context, kids: readonly string[]): Promise<Diagnosis> {
  if (!may(context.principal, 'signing_keys:read'))
    return failedAt('signing_key', 'access', noAccess('signing keys', 'catalogue:read'))
  const [found] = await findEach(context, kids, async (app, kid) => {
    const keys = await context.storage.listSigningKeys(app.id)
    return statesOf(
      context,
      app.id,
      keys.filter((key) => key.kid === kid),
    )
  })
  if (found === undefined)
    return failedAt('signing_key', 'signing_key', {
      cause: 'key_unknown',
      code: 'not_found',
      sentence: 'No app of this key has, or had, this signing key.',
      remedy: `The program was perhaps built with the key of another server. ${askForMore}`,
    })
  const { app, thing } = found
  return diagnosisOf('signing_key', [['signing_key', () => stateIs(app, thing)]], { app: app.slug })
}

const meanings: Partial<Record<DiagnosisKind, string>> = {
  api_key_id: 'an API key',
  app: 'an app',
  tier: 'a tier',
  feature: 'a feature',
  event: 'a webhook event',
  delivery: 'a webhook delivery',
  audit_entry: 'an entry of the audit log',
}

/** The diagnosis of an id that leads to no license. */
export function diagnoseOther(kind: DiagnosisKind, app: string | null = null): Diagnosis {
  const sentence = `This is the name of ${meanings[kind] ?? 'something'}, which leads to no one license.`
  return failedAt(kind, 'license', noLicense(sentence), app)
}

/** The diagnosis of the id of a request. The server keeps no text of it. */
export function diagnoseRequest(): Diagnosis {
  const sentence =
    'This is the id of a request. It leads to a line in the log of the server, and to no license.'
  const remedy = `Look for it in the log of the server, which has the route and the status. ${askForMore}`
  return failedAt('request_id', 'license', noLicense(sentence, remedy))
}

const leaked = 'Everybody who got this text has it: treat it as leaked.'

function apiKeyRemedy({ isWhole }: PastedSecret): string {
  const which = isWhole === true ? 'shows it by its last four characters' : 'shows all API keys'
  return `${leaked} \`heartwood keys list\` ${which}; then \`heartwood keys revoke ID\`, or DELETE /api/v1/api-keys/ID.`
}

function describeApiKey({ type, mode, isWhole, lastFour }: PastedSecret): string {
  const form = `${type}_${mode}_…${lastFour ?? ''}`
  const whose = isWhole === true ? '' : ' It was cut off or mistyped, or it belongs to another service.'
  const power =
    type === 'sk' ? 'Its holder can issue and revoke licenses' : 'Its holder can read licenses and customers'
  return `This is no license: it is an API key, ${form}. ${power}.${whose}`
}

const secrets: Readonly<
  Record<PastedSecret['kind'], (secret: PastedSecret) => Pick<Failed, 'sentence' | 'remedy'>>
> = {
  api_key: (secret) => ({ sentence: describeApiKey(secret), remedy: apiKeyRemedy(secret) }),
  webhook_secret: () => ({
    sentence: 'This is no license: it is the secret of a webhook. Its holder can forge events.',
    remedy: `${leaked} Roll it: POST /api/v1/apps/SLUG/webhook-secret/roll.`,
  }),
  private_key: () => ({
    sentence: 'This is no license: it is a private key. Its holder can sign in your name.',
    remedy: `${leaked} If it is the signing key of an app, revoke it: \`heartwood apps rotate-keys SLUG --compromised\`, or POST /api/v1/apps/SLUG/rotate-keys.`,
  }),
}

/** The diagnosis of a secret. It has no part of it, but for the last four characters of a whole API key. */
export function diagnoseSecret(secret: PastedSecret): Diagnosis {
  const { kind, type, mode, lastFour } = secret
  const facts = {
    ...(type !== undefined && { type }),
    ...(mode !== undefined && { mode }),
    ...(lastFour !== undefined && { lastFour }),
  }
  const refused = { cause: 'secret_exposed', code: 'invalid_token', facts } as const
  return failedAt(kind, 'secret', { ...refused, ...secrets[kind](secret) })
}
