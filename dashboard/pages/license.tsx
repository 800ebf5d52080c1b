import type { JSX } from 'preact'
import type { License } from '../../src/core/index.ts'
import { AsCode } from '../as-code.tsx'
import { Badge } from '../badge.tsx'
import { names, useApp, useCustomer, useLicense, useTiers } from '../known.ts'
import { to } from '../router.ts'
import { may } from '../session.ts'
import { Shown, Title } from '../states.tsx'
import { ago, dateOf, exactly } from '../times.ts'
import { pageWords } from '../page-words.ts'
import { Claims } from './claims.tsx'
import { Grain } from './grain.tsx'
import { LifeLine } from './life-line.tsx'
import { Handout } from './handout.tsx'
import { History } from './history.tsx'
import { Acts } from './license-acts.tsx'
import type { Held } from './license-changes.ts'
import { Fact } from '../fact.tsx'

const text = pageWords.license

/** The one true sentence of a certificate. */
function verdictOf({ status, expiresAt, revokedAt }: License, tier: string): string {
  if (status === 'revoked') return text.revoked(tier, dateOf(revokedAt ?? 0))
  if (expiresAt === null) return text.goodForever(tier)
  return status === 'expired' ? text.ended(tier, dateOf(expiresAt)) : text.good(tier, dateOf(expiresAt))
}

function seenOf({ seenAt, seenClient }: License): string | null {
  if (seenAt === undefined) return null
  if (seenAt === null) return text.unseen
  return seenClient === null ? text.seen(ago(seenAt)) : text.seenFrom(ago(seenAt), seenClient)
}

function CodeFact({ name, value }: { readonly name: string; readonly value: string }): JSX.Element {
  return (
    <Fact name={name}>
      <code>{value}</code>
    </Fact>
  )
}

/** The tier by the name that people gave it; its slug, if it is gone. */
function useTier(app: string, { tierId, tier }: License) {
  const tiers = useTiers(app).value.value
  const found = tiers?.find(({ id }) => id === tierId)
  return { found, name: found?.name ?? tier }
}

function Holder({ app, license }: Held): JSX.Element {
  const { value } = useCustomer(app, license.customerId).value
  // The heading keeps its place until the name is here.
  return <Title key={value === undefined ? '' : 'known'}>{value?.name ?? value?.email ?? '\u00a0'}</Title>
}

function Crumbs({ app, license }: Held): JSX.Element {
  const { value } = useCustomer(app, license.customerId).value
  return (
    <nav class="crumbs" aria-label={text.where}>
      <a href={to(['apps', app, 'licenses'])}>{pageWords.licenses.title}</a>
      {value !== undefined && (
        <>
          <span aria-hidden="true">/</span>
          <a href={to(['apps', app, 'customers', value.id])}>{value.name ?? value.email}</a>
        </>
      )}
    </nav>
  )
}

function Certificate({ app, license }: Held): JSX.Element {
  const { name: appName = app } = useApp(app).value.value ?? {}
  const { found, name: tierName } = useTier(app, license)
  const seen = seenOf(license)
  const maySeeCustomer = may('customers:read')
  return (
    <article class="license">
      {maySeeCustomer && <Crumbs app={app} license={license} />}
      <section class="certificate">
        <Grain id={license.id} />
        <div class="certificate-head">
          <p class="eyebrow">{text.of(appName)}</p>
          {maySeeCustomer ? (
            <Holder app={app} license={license} />
          ) : (
            <Title>{license.name ?? license.id}</Title>
          )}
          <p class="until">{verdictOf(license, tierName)}</p>
          <p class="badges">
            <Badge status={license.status} />
            {seen !== null && (
              <span class="seen" title={license.seenAt ? exactly(license.seenAt) : undefined}>
                {seen}
              </span>
            )}
          </p>
          {license.revokedReason !== null && <p class="quiet">{text.reasonWas(license.revokedReason)}</p>}
        </div>
        <LifeLine license={license} tier={tierName} />
        <footer class="certificate-foot">
          <dl>
            <CodeFact name={text.id} value={license.id} />
            <CodeFact name={text.installation} value={license.installationId} />
            {license.name !== null && <CodeFact name={text.computer} value={license.name} />}
            {license.licenseKeyId !== null && <CodeFact name={text.key} value={license.licenseKeyId} />}
          </dl>
          <Handout app={app} license={license} />
        </footer>
      </section>
      <div class="columns">
        <section aria-labelledby="claims">
          <Claims license={license} tier={found} tierName={tierName} />
          <Acts app={app} license={license} tier={found} />
        </section>
        <History app={app} license={license} />
      </div>
      <AsCode
        code={{
          call: `GET /apps/${app}/licenses/${license.id}`,
          typescript: `await licensing.licenses.get('${app}', '${license.id}')`,
          cli: `licenses get ${license.id} --app ${app}`,
        }}
      />
    </article>
  )
}

export function LicensePage({
  app = '',
  id = '',
}: {
  readonly app?: string
  readonly id?: string
}): JSX.Element {
  const known = useLicense(app, id)
  return (
    <Shown known={known.value} name={names.license(app, id)}>
      {(license) => <Certificate app={app} license={license} />}
    </Shown>
  )
}
