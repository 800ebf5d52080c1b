import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { Icon, type IconName } from './icons.tsx'
import { useApps } from './known.ts'
import { go, here, to } from './router.ts'
import { Mark } from './rings.tsx'
import { isSearching, search } from './search.ts'
import { signOut, type Person } from './session.ts'
import { setTheme, theme, type Theme } from './theme.ts'
import { words } from './words.ts'

/** The pages of an app. A page that does not exist yet has no row. */
const sections: readonly (readonly [path: readonly string[], name: string, icon: IconName])[] = [
  [[], words.shell.overview, 'home'],
  [['licenses'], words.shell.licenses, 'file'],
  [['license-keys'], words.shell.licenseKeys, 'key'],
]

/** The app of the present place, or the one that was chosen last. */
function useAppOfPlace(): string | undefined {
  const { path } = here.value
  const apps = useApps().value.value
  const last = useRef<string | undefined>(undefined)
  if (path[0] === 'apps' && path[1] !== undefined) last.current = path[1]
  return last.current ?? apps?.[0]?.slug
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

function Rail(): JSX.Element {
  const app = useAppOfPlace()
  const { path } = here.value
  const section = path[0] === 'apps' ? (path[2] ?? '') : null
  return (
    <nav class="rail" aria-label={words.shell.sections}>
      <a class="brand" href={to([])}>
        <Mark /> {words.brand}
      </a>
      {app !== undefined && (
        <>
          <AppSwitch app={app} />
          <ul>
            {sections.map(([below, name, icon]) => (
              <li key={name}>
                <a
                  href={to(['apps', app, ...below])}
                  aria-current={section === (below[0] ?? '') ? 'page' : undefined}
                >
                  <Icon name={icon} />
                  <span>{name}</span>
                </a>
              </li>
            ))}
          </ul>
        </>
      )}
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
        <button type="button" onClick={() => void signOut()}>
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
