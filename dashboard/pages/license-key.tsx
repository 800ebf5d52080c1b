import type { JSX } from 'preact'
import type { LicenseKey } from '../../src/core/index.ts'
import { licensing } from '../api.ts'
import { AsCode } from '../as-code.tsx'
import { Badge } from '../badge.tsx'
import { useKnown } from '../data.ts'
import { names, useApp, useCustomer, useTiers } from '../known.ts'
import { to } from '../router.ts'
import { may } from '../session.ts'
import { Shown, Title } from '../states.tsx'
import { dateOf } from '../times.ts'
import { keyWords as text } from '../key-words.ts'
import { pageWords } from '../page-words.ts'
import { Grain } from './grain.tsx'
import { HistoryOf } from './history.tsx'
import { KeyActs } from './license-key-acts.tsx'
import { KeyText } from './license-key-text.tsx'
import { Seats } from './seats.tsx'
import { Fact } from '../fact.tsx'

interface Held {
  readonly app: string
  readonly licenseKey: LicenseKey
}

function standing({ status, expiresAt, revokedAt, starts, activatedAt, durationDays }: LicenseKey): string {
  if (status === 'revoked') return text.revoked(dateOf(revokedAt ?? 0))
  if (starts === 'activation' && activatedAt === null) return text.starts(durationDays ?? 0)
  if (expiresAt === null) return text.goodForever
  return status === 'expired' ? text.ended(dateOf(expiresAt)) : text.good(dateOf(expiresAt))
}

function Facts({ licenseKey }: { readonly licenseKey: LicenseKey }): JSX.Element {
  const { id, externalId, releasesLeft, whenFull, revokedReason } = licenseKey
  return (
    <dl>
      <Fact name={pageWords.license.key}>
        <code>{id}</code>
      </Fact>
      {externalId !== null && <Fact name={text.order}>{externalId}</Fact>}
      <Fact name={text.releases}>{releasesLeft ?? text.anyNumber}</Fact>
      <Fact name={text.whenFull}>{text[whenFull]}</Fact>
      {revokedReason !== null && <Fact name={pageWords.license.states.revoked}>{revokedReason}</Fact>}
    </dl>
  )
}

function Holder({ app, licenseKey }: Held): JSX.Element {
  const { value } = useCustomer(app, licenseKey.customerId).value
  const shown = value?.name ?? value?.email ?? '\u00a0'
  return <Title key={shown}>{shown}</Title>
}

function Crumbs({ app, licenseKey }: Held): JSX.Element {
  const { value } = useCustomer(app, licenseKey.customerId).value
  return (
    <nav class="crumbs" aria-label={text.where}>
      <a href={to(['apps', app, 'license-keys'])}>{text.title}</a>
      {value !== undefined && (
        <>
          <span aria-hidden="true">/</span>
          <a href={to(['apps', app, 'customers', value.id])}>{value.name ?? value.email}</a>
        </>
      )}
    </nav>
  )
}

function Card({ app, licenseKey }: Held): JSX.Element {
  const { name: appName = app } = useApp(app).value.value ?? {}
  const tiers = useTiers(app).value.value
  const { id, tierId, tier, status, seats, seatsUsed, name } = licenseKey
  const tierName = tiers?.find((one) => one.id === tierId)?.name ?? tier
  const maySeeCustomer = may('customers:read')
  return (
    <article class="license">
      {maySeeCustomer && <Crumbs app={app} licenseKey={licenseKey} />}
      <section class="certificate">
        <Grain id={id} />
        <div class="certificate-head">
          <p class="eyebrow">{text.of(appName)}</p>
          {maySeeCustomer ? <Holder app={app} licenseKey={licenseKey} /> : <Title>{name ?? id}</Title>}
          <p class="until">
            {tierName}, {standing(licenseKey)}
          </p>
          <p class="badges">
            <Badge status={status} />
            <span class="seen">
              {text.taken(seatsUsed, seats)}
              {name !== null && ` · ${name}`}
            </span>
          </p>
        </div>
        <footer class="certificate-foot">
          <Facts licenseKey={licenseKey} />
          <KeyText app={app} id={id} />
        </footer>
      </section>
      <div class="columns">
        <section aria-labelledby="seats">
          <Seats app={app} licenseKey={licenseKey} />
          <KeyActs app={app} licenseKey={licenseKey} />
        </section>
        <HistoryOf app={app} id={id} about={names.licenseKey(app, id)} />
      </div>
      <AsCode
        code={{
          call: `GET /apps/${app}/license-keys/${id}`,
          typescript: `await licensing.licenseKeys.get('${app}', '${id}')`,
          cli: `license-keys get ${id} --app ${app}`,
        }}
      />
    </article>
  )
}

export function LicenseKeyPage({
  app = '',
  id = '',
}: {
  readonly app?: string
  readonly id?: string
}): JSX.Element {
  const name = names.licenseKey(app, id)
  const known = useKnown(name, (signal) => licensing.withOptions({ signal }).licenseKeys.get(app, id))
  return (
    <Shown known={known.value} name={name}>
      {(licenseKey) => <Card app={app} licenseKey={licenseKey} />}
    </Shown>
  )
}
