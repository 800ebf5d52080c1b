import { diagnosisInput, isFailedLicenseKey } from '../../core/diagnosis/diagnose.ts'
import type { Diagnosis } from '../../core/diagnosis/diagnosis.ts'
import { json } from '../http/reply.ts'
import { route, type Route } from '../http/route.ts'
import { toWire } from '../http/wire.ts'
import { diagnosisExample } from '../openapi/examples.ts'
import { dataOf, diagnosisSchema } from '../openapi/schemas.ts'

/** A diagnosis on the wire. The facts of its checks have names of their own. */
export function diagnosisToWire({ checks, ...diagnosis }: Diagnosis): object {
  const wired = checks.map(({ facts, ...check }) => ({ ...check, facts: toWire(facts) }))
  return { ...toWire(diagnosis), checks: wired }
}

export const diagnosisRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/diagnose',
    access: 'licenses:read',
    ignoresIdempotencyKey: true,
    tag: 'Diagnosis',
    operationId: 'diagnose',
    summary: 'Say why something is refused',
    description:
      'Send whatever the customer has sent: a token or a part of it, a license key, an id, an e-mail address, a line of a log. The response has every check, the first one that failed, and the way to mend it. The server never logs or keeps the text. A wrong license key counts against failedLicenseKey.',
    body: diagnosisInput,
    bodyExample: { text: '7f2c1e0a-5b7d-4c0e-9a53-0d6f3f1b2c4d' },
    responses: {
      200: {
        description: 'The diagnosis',
        schema: dataOf(diagnosisSchema),
        example: { data: diagnosisExample },
      },
    },
    run: ({ licensing, body }) => licensing.diagnose(body),
    respond: (diagnosis, { consumeLimit, rateLimitKey }) => {
      if (isFailedLicenseKey(diagnosis)) consumeLimit?.('failedLicenseKey', rateLimitKey)
      return json({ data: diagnosisToWire(diagnosis) })
    },
  }),
]
