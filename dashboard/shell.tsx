import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { Icon, type IconName } from './icons.tsx'
import { useApps } from './known.ts'
import { go, here, to } from './router.ts'
import { Mark } from './rings.tsx'
import { isSearching, search } from './search.ts'
import { may, seesAll, signOut, type Person } from './session.ts'
import { setTheme, theme, type Theme } from './theme.ts'
import { complain } from './toasts.tsx'
import { words } from './words.ts'

type Section = readonly [path: readonly string[], name: string, icon: IconName, scope?: string]

/** The pages of an app, with the right that a page asks for. A page that does not exist yet has no row. */
const sections: readonly Section[] = [
  [[], words.shell.overview, 'home'],
  [['licenses'], words.shell.licenses, 'file'],
  [['license-keys'], words.shell.licenseKeys, 'key', 'license_keys:read'],
  [['customers'], words.shell.customers, 'user', 'customers:read'],
  [['tiers'], words.shell.tiers, 'layers'],
  [['webhooks'], words.shell.webhooks, 'send', 'webhooks:read'],
  [['signing-keys'], words.shell.signingKeys, 'pen'],
  [['log'], words.shell.log, 'list', 'audit:read'],
]

/** The pages of the server. */
const ofServer: readonly Section[] = [
  [['why'], words.shell.why, 'help', 'licenses:read'],
  [['status'], words.shell.status, 'pulse', 'keys:write'],
  [['api-keys'], words.shell.apiKeys, 'users', 'keys:write'],
  [['log'], words.shell.logOfAll, 'list', 'audit:read'],
]

/** The app of the present place, or the one that was chosen last. */
function useAppOfPlace(): string | undefined {
  const { path } = here.value
  const apps = useApps().value.value
  const last = useRef<string | undefined>(undefined)
  const isHere = apps === undefined || apps.some(({ slug }) => slug === path[1])
  if (path[0] === 'apps' && path[1] !== undefined && isHere) return (last.current = path[1])
  // The last one may be deleted.
  const isLeft = apps === undefined || apps.some(({ slug }) => slug === last.current)
  return (isLeft ? last.current : undefined) ?? apps?.[0]?.slug
}

function AppSwitch({ app }: { readonly app: string }): JSX.Element {
  const apps = useApps().value.value ?? []
  return (
    <label class="switch">
      <span class="eyebrow">{words.shell.app}</span>
      <span class="pick">
        <select value={app} onChange={(event) => go(to(['apps', event.currentTarget.value]))}>
          {apps.map(({ slug, name }) => (
            <option key={slug} value={slug}>
              {name}
            </option>
          ))}
        </select>
        <Icon name="chevron" size={14} />
      </span>
    </label>
  )
}

/** The links to some pages, without those that the person may not see. */
function Links({
  rows,
  under,
}: {
  readonly rows: readonly Section[]
  readonly under: readonly string[]
}): JSX.Element {
  const { path } = here.value
  const isUnder = under.every((part, at) => path[at] === part)
  const section = isUnder ? (path[under.length] ?? '') : null
  return (
    <>
      {rows
        .filter(([, , , scope]) => scope === undefined || may(scope))
        .map(([below, name, icon], at) => (
          <li key={name} class={at === 0 && under.length === 0 ? 'apart' : undefined}>
            <a
              href={to([...under, ...below])}
              aria-current={section === (below[0] ?? '') ? 'page' : undefined}
            >
              <Icon name={icon} />
              <span>{name}</span>
            </a>
          </li>
        ))}
    </>
  )
}

function Rail(): JSX.Element {
  const app = useAppOfPlace()
  const rail = useRef<HTMLElement>(null)
  const [first, , section] = here.value.path
  useEffect(() => {
    // A narrow window shows a part of the list.
    const list = rail.current?.querySelector('ul')
    const link = list?.querySelector<HTMLElement>('[aria-current]')
    if (list && link) list.scrollLeft = link.offsetLeft - list.offsetLeft - list.clientWidth / 3
  }, [app, first, section])
  return (
    <nav ref={rail} class="rail" aria-label={words.shell.sections}>
      <a class="brand" href={to([])}>
        <Mark /> {words.brand}
      </a>
      {app !== undefined && <AppSwitch app={app} />}
      <ul>
        {app !== undefined && <Links rows={sections} under={['apps', app]} />}
        <Links rows={seesAll() ? ofServer : ofServer.slice(0, 3)} under={[]} />
      </ul>
    </nav>
  )
}

/** The field that takes anything. `/` leads to it from everywhere. */
function Finder(): JSX.Element {
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const focus = (event: KeyboardEvent): void => {
      const isTyping =
        event.target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return
      event.preventDefault()
      field.current?.focus()
    }
    addEventListener('keydown', focus)
    return () => removeEventListener('keydown', focus)
  }, [])
  const submit = (event: Event): void => {
    event.preventDefault()
    const text = field.current?.value ?? ''
    if (field.current !== null) field.current.value = ''
    void search(text)
  }
  return (
    <search>
      <form class="find" onSubmit={submit}>
        <Icon name="search" />
        <input
          ref={field}
          aria-label={words.shell.findLabel}
          placeholder={words.shell.find}
          autocomplete="off"
          spellcheck={false}
          disabled={isSearching.value}
        />
        <kbd aria-hidden="true">/</kbd>
      </form>
    </search>
  )
}

const themes: readonly Theme[] = ['system', 'light', 'dark']

function initials(name: string): string {
  const letters = name.split(/[\s,]+/).map((word) => word.charAt(0))
  return letters.slice(0, 2).join('').toUpperCase()
}

function PersonMenu({ person }: { readonly person: Person }): JSX.Element {
  const name = person.name ?? words.person.unnamed
  return (
    <details class="menu">
      <summary class="person">
        <span aria-hidden="true">{initials(name)}</span>
        <span class="unseen">{name}</span>
      </summary>
      <div class="menu-body">
        <p>
          <strong>{name}</strong>
          <br />
          <span class="quiet">{person.apps?.join(', ')}</span>
        </p>
        <label class="field">
          <span>{words.themes.label}</span>
          <select value={theme.value} onChange={(event) => setTheme(event.currentTarget.value as Theme)}>
            {themes.map((each) => (
              <option key={each} value={each}>
                {words.themes[each]}
              </option>
            ))}
          </select>
        </label>
        <button type="button" onClick={() => void signOut().catch(complain)}>
          <Icon name="out" /> {words.person.signOut}
        </button>
      </div>
    </details>
  )
}

export function Shell({
  person,
  children,
}: {
  readonly person: Person
  readonly children: ComponentChildren
}): JSX.Element {
  return (
    <div class="shell" data-mode={person.mode}>
      <Rail />
      <header class="top">
        <Finder />
        <span class="mode" data-mode={person.mode}>
          {words.modes[person.mode]}
        </span>
        <PersonMenu person={person} />
      </header>
      <main class="page" id="main">
        {children}
      </main>
    </div>
  )
}
