import { person } from '../session.ts'
import type { JSX } from 'preact'
import type { ApiKey } from '../../src/core/index.ts'
import { scopeMeanings } from '../../src/core/scopes.ts'
import { AsCode } from '../as-code.tsx'
import { presetOf } from '../api-key-rights.ts'
import { keyWords } from '../api-key-words.ts'
import { keysName, nameOf, reachOf, stateOf, useKeys } from '../api-keys.ts'
import { to } from '../router.ts'
import { Shown, Title } from '../states.tsx'
import { StateMark } from '../state-mark.tsx'
import { dateOf } from '../times.ts'
import { When } from '../when.tsx'
import { KeyActs } from './api-key-acts.tsx'
import { Fact } from '../fact.tsx'

const text = keyWords.key

/** The one true sentence of a key. */
function Verdict({ apiKey }: { readonly apiKey: ApiKey }): JSX.Element {
  const { lastUsedAt, revokedAt, expiresAt } = apiKey
  const state = stateOf(apiKey)
  if (state === 'revoked')
    return (
      <p class="sub">
        {text.revoked} <When at={revokedAt ?? 0} />.
      </p>
    )
  if (state === 'expired')
    return (
      <p class="sub">
        {text.ended} <When at={expiresAt ?? 0} />.
      </p>
    )
  return (
    <p class="sub">
      {text.works(reachOf(apiKey))}
      {lastUsedAt === null ? (
        `. ${text.unused}`
      ) : (
        <>
          {' '}
          {keyWords.list.and} {text.used} <When at={lastUsedAt} />.
        </>
      )}
    </p>
  )
}

function Facts({ apiKey }: { readonly apiKey: ApiKey }): JSX.Element {
  const { id, prefix, lastFour, createdAt, expiresAt } = apiKey
  return (
    <dl class="facts">
      <Fact name={text.text}>
        <code>
          {prefix}…{lastFour}
        </code>
      </Fact>
      <Fact name={text.id}>
        <code>{id}</code>
      </Fact>
      <Fact name={text.made}>
        <When at={createdAt} />
      </Fact>
      <Fact name={text.ends}>{expiresAt === null ? text.forever : dateOf(expiresAt)}</Fact>
    </dl>
  )
}

function Rights({ apiKey }: { readonly apiKey: ApiKey }): JSX.Element {
  const { scopes, type } = apiKey
  const preset = presetOf(apiKey)
  return (
    <section aria-labelledby="rights">
      <h2 id="rights">{text.rights}</h2>
      {scopes === null ? (
        <p>{type === 'sk' ? text.all : text.reads}</p>
      ) : (
        <>
          {preset !== null && <p class="quiet">{text.preset(keyWords.presets[preset])}</p>}
          <ul class="rights">
            {scopes.map((scope) => (
              <li key={scope}>
                <code>{scope}</code>
                <span class="quiet">{scopeMeanings[scope]}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  )
}

function Key({ apiKey }: { readonly apiKey: ApiKey }): JSX.Element {
  const { id } = apiKey
  const state = stateOf(apiKey)
  const mark = ({ working: 'passed', expired: 'warned', revoked: 'failed' } as const)[state]
  return (
    <>
      <header class="lead">
        <Title>{nameOf(apiKey)}</Title>
        <Verdict apiKey={apiKey} />
        <p class="badges">
          <StateMark state={mark}>{keyWords.states[state]}</StateMark>
          {person()?.id === id && <span class="seen">{text.own}</span>}
        </p>
      </header>
      <Facts apiKey={apiKey} />
      <KeyActs apiKey={apiKey} />
      <Rights apiKey={apiKey} />
      <AsCode
        code={{
          call: `POST /api-keys/${id}/invite`,
          typescript: `await licensing.apiKeys.invite('${id}')`,
          cli: `dashboard --key ${id}`,
        }}
      />
    </>
  )
}

export function KeyPage({ id }: { readonly id: string }): JSX.Element {
  const known = useKeys()
  return (
    <article class="key-page">
      <nav class="crumbs" aria-label={keyWords.where}>
        <a href={to(['api-keys'])}>{keyWords.title}</a>
      </nav>
      <Shown known={known.value} name={keysName}>
        {({ items }) => {
          const apiKey = items.find((each) => each.id === id)
          return apiKey === undefined ? <Title>{text.notFound}</Title> : <Key apiKey={apiKey} />
        }}
      </Shown>
    </article>
  )
}
