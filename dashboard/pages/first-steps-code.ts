import { curlOf, type Form } from '../as-code.tsx'
import { base } from '../place.ts'

/** The things that are on the server already. A call to come takes the names of these. */
export interface Made {
  readonly app: string | null
  readonly tier: string | null
  readonly license: { readonly id: string; readonly installationId: string } | null
  readonly isChecked: boolean
  readonly isRenewed: boolean
}

export const stepNames = ['app', 'tier', 'license', 'check', 'renewal'] as const
export type StepName = (typeof stepNames)[number]

/** A step without a form has no command. */
type Texts = Readonly<Partial<Record<Form, string>>>

const installation = '7f2c1e0a-5b7d-4c0e-9a53-0d6f3f1b2c4d'
const email = 'ada@example.com'

/** Without its progress, which a shell shows when it keeps the output. */
function quiet(curl: string): string {
  return curl.replace('curl ', 'curl -s ')
}

/** A body of many fields, each on its own line. */
function onLines(curl: string): string {
  return curl.replace(/-d '\{(.*)\}'/, (_, fields: string) => {
    return `-d '{\n    ${fields.replaceAll(',"', ',\n    "').replaceAll('":', '": ')}\n  }'`
  })
}

function appTexts(): Texts {
  return {
    curl: curlOf({ call: 'POST /apps', body: { name: 'My App', slug: 'my-app' }, typescript: '' }),
    typescript: "await licensing.apps.create({ name: 'My App', slug: 'my-app' })",
    cli: 'heartwood apps create my-app --name "My App"',
  }
}

function tierTexts(app: string): Texts {
  const body = { name: 'Pro', slug: 'pro', features: ['export'] }
  return {
    curl: curlOf({ call: `POST /apps/${app}/tiers`, body, typescript: '' }),
    typescript: `await licensing.tiers.create('${app}', { name: 'Pro', slug: 'pro', features: ['export'] })`,
    cli: `heartwood tiers create pro --app ${app} --name Pro --features export`,
  }
}

function licenseTexts(app: string, tier: string): Texts {
  const customer = curlOf({ call: `POST /apps/${app}/customers`, body: { email }, typescript: '' })
  const body = { installation_id: installation, customer_id: 'ID', tier_id: tier, duration_days: 365 }
  const license = onLines(curlOf({ call: `POST /apps/${app}/licenses`, body, typescript: '' }))
  return {
    curl: `CUSTOMER=$(${quiet(customer)} \\\n  | sed 's/.*"id":"\\(cus_[a-z0-9]*\\)".*/\\1/')\n${license.replace('"ID"', `"'$CUSTOMER'"`)}`,
    typescript: `const { customer } = await licensing.customers.getOrCreate('${app}', { email: '${email}' })
await licensing.licenses.create('${app}', {
  installationId: '${installation}',
  customerId: customer.id,
  tierId: '${tier}',
  durationDays: 365,
})`,
    cli: `heartwood licenses create --app ${app} --customer ${email} --tier ${tier} --days 365 \\
  --installation ${installation}`,
  }
}

function checkTexts(app: string, installationId: string): Texts {
  return {
    curl: `curl '${base.href}api/v1/apps/${app}/licenses/verify?installation_id=${installationId}'`,
    typescript: `await licensing.verification.verify('${app}', {
  installationId: '${installationId}',
})`,
  }
}

function renewalTexts(app: string, id: string): Texts {
  const token = curlOf({ call: `GET /apps/${app}/licenses/${id}`, typescript: '' })
  const path = `${base.href}api/v1/apps/${app}/licenses/${id}/regenerate`
  return {
    curl: `TOKEN=$(${quiet(token)} \\
  | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')
curl -X POST ${path} \\
  -H 'Content-Type: application/json' \\
  -d '{"current_token":"'$TOKEN'"}'`,
    typescript: `// In your program. It renews by itself once a day; refresh() does so at once.
const client = await createLicenseClient({
  baseUrl: '${base.href.replace(/\/$/, '')}',
  app: '${app}',
  publicKeys: publicKeyPem,
})
await client.setToken(token)
await client.refresh()`,
  }
}

/** The calls of a step, with the names of what is there. */
export function textsOf(step: StepName, { app, tier, license }: Made): Texts {
  const slug = app ?? 'my-app'
  if (step === 'app') return appTexts()
  if (step === 'tier') return tierTexts(slug)
  if (step === 'license') return licenseTexts(slug, tier ?? 'pro')
  if (step === 'check') return checkTexts(slug, license?.installationId ?? installation)
  return renewalTexts(slug, license?.id ?? 'LICENSE_ID')
}

/** True if a step is done. */
export function isDone(step: StepName, made: Made): boolean {
  if (step === 'check') return made.isChecked
  return step === 'renewal' ? made.isRenewed : made[step] !== null
}
