import type { JSX } from 'preact'
import type { App, SigningKey } from '../../src/core/index.ts'
import { adopt } from '../adopt.ts'
import { licensing } from '../api.ts'
import { AsCode } from '../as-code.tsx'
import { CopyText } from '../copy-text.tsx'
import { Icon } from '../icons.tsx'
import { keysWords as text } from '../keys-words.ts'
import { names, useApp } from '../known.ts'
import { Lack } from '../lack.tsx'
import { here, to } from '../router.ts'
import { may } from '../session.ts'
import { addressOf, keysName, publicKeyOf, useRecovery, useSigningKeys } from '../signing.ts'
import { Shown, Title } from '../states.tsx'
import css from '../style/manage.css' with { type: 'text' }
import { dateOf } from '../times.ts'
import { AfterLeak } from './after-leak.tsx'
import { Fleet } from './fleet.tsx'
import { KeyLine } from './key-line.tsx'

adopt(css)

/** The one true sentence of the page. */
function Sentence({ keys }: { readonly keys: readonly SigningKey[] }): JSX.Element {
  const inGrace = keys.filter(({ state }) => state === 'in_grace')
  const last = Math.max(...inGrace.map(({ acceptedUntil }) => acceptedUntil ?? 0))
  return (
    <p class="sentence">
      {text.one(dateOf(keys[0]?.createdAt ?? 0))}{' '}
      {inGrace.length === 0 ? text.noGrace : text.inGrace(inGrace.length, dateOf(last))}
    </p>
  )
}

function PublicKey({ app, pem }: { readonly app: string; readonly pem: string }): JSX.Element {
  const jwks = async (): Promise<string> => JSON.stringify(await licensing.apps.jwks(app), null, 2)
  return (
    <section class="card" aria-labelledby="public">
      <h2 id="public">{text.publicKey}</h2>
      <p class="quiet">{text.publicKeyLead}</p>
      <div class="handout">
        <a class="button" href={addressOf(app, 'trust.json')} download={`${app}-trust.json`}>
          <Icon name="down" /> {text.trustFile}
        </a>
        <CopyText text={pem} label={text.copyPem} />
        <CopyText text={jwks} label={text.copyJwks} />
      </div>
    </section>
  )
}

function Recovery({ app }: { readonly app: string }): JSX.Element {
  const { value, error } = useRecovery(app).value
  return (
    <section class="card" aria-labelledby="recovery">
      <h2 id="recovery">{text.recovery}</h2>
      {value === null && (
        <>
          <p class="quiet">{text.recoveryNone}</p>
          <pre class="command" tabIndex={0} role="region" aria-label={text.command}>
            <code>{text.recoveryCommand(app)}</code>
          </pre>
        </>
      )}
      {value && (
        <>
          <p class="quiet">{text.recoverySet(value.kids.length, value.threshold)}</p>
          <ul class="kids">
            {value.kids.map((kid) => (
              <li key={kid}>
                <code>{kid}</code>
              </li>
            ))}
          </ul>
        </>
      )}
      {value === undefined && error !== null && <p class="quiet">{text.recoveryUnknown}</p>}
    </section>
  )
}

function Keys({
  app,
  keys,
}: {
  readonly app: App
  readonly keys: readonly SigningKey[] | null
}): JSX.Element {
  const { slug } = app
  return (
    <article class="manage">
      <header class="lead">
        <Title>{text.title}</Title>
      </header>
      {keys !== null && <Sentence keys={keys} />}
      {here.value.query.get('after') === 'leak' && <AfterLeak app={slug} />}
      <div class="columns">
        <div>
          {keys === null ? <Lack>{text.forSecret}</Lack> : <KeyLine keys={keys} />}
          {may('apps:rotate') ? (
            <div class="actions">
              <a class="button" href={to(['apps', slug, 'signing-keys', 'rotate'])}>
                {text.rotate}
              </a>
            </div>
          ) : (
            <Lack>{text.noRotate}</Lack>
          )}
          {keys !== null && <Fleet app={slug} keys={keys} />}
        </div>
        <div class="cards">
          <PublicKey app={slug} pem={publicKeyOf(keys, app)} />
          <Recovery app={slug} />
        </div>
      </div>
      <AsCode code={{ call: `GET /apps/${slug}/keys`, typescript: `await licensing.apps.keys('${slug}')` }} />
    </article>
  )
}

export function SigningKeys({ app = '' }: { readonly app?: string }): JSX.Element {
  const known = useApp(app)
  const keys = useSigningKeys(app)
  return (
    <Shown known={known.value} name={names.app(app)}>
      {(value) => (
        <Shown known={keys.value} name={keysName(app)}>
          {(list) => <Keys app={value} keys={list} />}
        </Shown>
      )}
    </Shown>
  )
}
