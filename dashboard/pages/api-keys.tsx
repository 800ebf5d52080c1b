import { person } from '../session.ts'
import type { JSX } from 'preact'
import type { ApiKey } from '../../src/core/index.ts'
import { adopt } from '../adopt.ts'
import { AsCode } from '../as-code.tsx'
import { mayManageKeys, rightsOf } from '../api-key-rights.ts'
import { keyWords } from '../api-key-words.ts'
import { keysName, keyTabs, nameOf, reachOf, stateOf, useKeys, type KeyTab } from '../api-keys.ts'
import { here, to } from '../router.ts'
import { Shown, Title } from '../states.tsx'
import { StateMark } from '../state-mark.tsx'
import { dateOf } from '../times.ts'
import { When } from '../when.tsx'
import { words } from '../words.ts'
import { KeyPage } from './api-key.tsx'
import { NewKey } from './new-api-key.tsx'
import css from '../style/api-keys.css' with { type: 'text' }
import { Table } from './table.tsx'

adopt(css)

const text = keyWords.list
const tabs = Object.keys(keyTabs) as KeyTab[]

function placeOf(tab: KeyTab): string {
  return to(['api-keys'], tab === 'working' ? {} : { show: tab })
}

/** One true sentence, whose numbers are links. */
function Sentence({ keys }: { readonly keys: readonly ApiKey[] }): JSX.Element {
  const count = (tab: KeyTab): number => keys.filter(keyTabs[tab]).length
  const link = (tab: KeyTab): JSX.Element => <a href={placeOf(tab)}>{words.count(count(tab))}</a>
  return (
    <p class="sentence">
      {link('working')} {text.working(count('working'))}. {link('ending')} {text.ending(count('ending'))},{' '}
      {text.and} {link('unused')} {text.unused(count('unused'))}.
    </p>
  )
}

function KeyName({ apiKey }: { readonly apiKey: ApiKey }): JSX.Element {
  const { prefix, lastFour } = apiKey
  return (
    <>
      <strong>{nameOf(apiKey)}</strong>
      <small>
        <code>
          {prefix}…{lastFour}
        </code>
      </small>
    </>
  )
}

function Never(): JSX.Element {
  return <span class="quiet">{text.never}</span>
}

function Row({ apiKey }: { readonly apiKey: ApiKey }): JSX.Element {
  const { id, lastUsedAt, expiresAt } = apiKey
  const state = stateOf(apiKey)
  return (
    <tr>
      <th scope="row">
        <a href={to(['api-keys', id])}>
          <KeyName apiKey={apiKey} />
        </a>
      </th>
      <td>{rightsOf(apiKey)}</td>
      <td>{reachOf(apiKey)}</td>
      <td>{lastUsedAt === null ? <Never /> : <When at={lastUsedAt} />}</td>
      <td>
        {state === 'working' ? (
          expiresAt === null ? (
            <Never />
          ) : (
            dateOf(expiresAt)
          )
        ) : (
          <StateMark state={state === 'revoked' ? 'failed' : 'warned'}>{keyWords.states[state]}</StateMark>
        )}
      </td>
    </tr>
  )
}

function KeyTable({ keys }: { readonly keys: readonly ApiKey[] }): JSX.Element {
  if (keys.length === 0) return <p class="sub small">{text.none}</p>
  return (
    <Table label={keyWords.title} heads={[text.key, text.may, text.reach, text.used, text.ends]}>
      {keys.map((apiKey) => (
        <Row key={apiKey.id} apiKey={apiKey} />
      ))}
    </Table>
  )
}

function Everything(): JSX.Element {
  const known = useKeys()
  const tab = tabs.find((each) => each === here.value.query.get('show')) ?? 'working'
  return (
    <Shown known={known.value} name={keysName}>
      {({ items, isWhole }) => (
        <>
          <Sentence keys={items} />
          <div class="filters">
            <nav class="tabs" aria-label={text.state}>
              {tabs.map((each) => (
                <a key={each} href={placeOf(each)} aria-current={each === tab ? 'page' : undefined}>
                  {text.tabs[each]}
                </a>
              ))}
            </nav>
            <a class="button primary" href={to(['api-keys', 'new'])}>
              {text.new}
            </a>
          </div>
          <KeyTable keys={items.filter(keyTabs[tab])} />
          {!isWhole && <p class="quiet">{text.more}</p>}
          {person()?.scopes !== null && <p class="quiet">{text.scoped}</p>}
        </>
      )}
    </Shown>
  )
}

function Keys(): JSX.Element {
  return (
    <article>
      <header class="lead">
        <Title>{keyWords.title}</Title>
        {!mayManageKeys() && <p class="sub small">{keyWords.mayNot}</p>}
      </header>
      {mayManageKeys() && <Everything />}
      <AsCode
        code={{
          call: 'GET /api-keys',
          typescript: 'await licensing.apiKeys.list()',
          cli: 'keys list',
        }}
      />
    </article>
  )
}

/** The list, the form of a new key, or one key. */
export function KeysSection({ id }: { readonly id?: string }): JSX.Element {
  if (id === undefined) return <Keys />
  return id === 'new' ? <NewKey /> : <KeyPage id={id} />
}
