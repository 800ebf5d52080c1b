import { effect, signal } from '@preact/signals'
import { render, type JSX } from 'preact'
import { useErrorBoundary } from 'preact/hooks'
import { forgetAll } from './data.ts'
import { section } from './section.tsx'
import { Find } from './pages/find.tsx'
import { LinkSignIn, SignIn } from './pages/sign-in.tsx'
import { go, here, match } from './router.ts'
import { loadSession, session, type Person } from './session.ts'
import { forgetSearch } from './search.ts'
import { Shell } from './shell.tsx'
import { Failure, NotFound, Skeleton } from './states.tsx'
import { applyTheme } from './theme.ts'
import { forgetToasts, Toasts } from './toasts.tsx'
import { words } from './words.ts'

type Params = Readonly<Record<string, string>>

const desk = section(() => import('./desk.ts'))

const Why = desk((page) => page.WhyPage)
const Webhooks = desk((page) => page.WebhooksSection)
const Keys = desk((page) => page.KeysSection)
const Log = desk((page) => page.LogPage)

/** The pages, by the parts of their paths. */
const pages: readonly (readonly [pattern: readonly string[], Page: (params: Params) => JSX.Element])[] = [
  [[], Find],
  [['why'], Why],
  [['why', ':id'], Why],
  [['apps', ':app'], desk((page) => page.AppPage)],
  [['apps', ':app', 'licenses'], desk((page) => page.Licenses)],
  [['apps', ':app', 'licenses', ':id'], desk((page) => page.LicensePage)],
  [['apps', ':app', 'license-keys'], desk((page) => page.LicenseKeys)],
  [['apps', ':app', 'license-keys', ':id'], desk((page) => page.LicenseKeyPage)],
  [['apps', ':app', 'customers'], desk((page) => page.Customers)],
  [['apps', ':app', 'customers', ':id'], desk((page) => page.CustomerPage)],
  [['apps', ':app', 'tiers'], desk((page) => page.TiersPage)],
  [['apps', ':app', 'signing-keys'], desk((page) => page.SigningKeys)],
  [['apps', ':app', 'signing-keys', 'rotate'], desk((page) => page.Rotate)],
  [['apps', ':app', 'settings'], desk((page) => page.AppSettings)],
  [['new-app'], desk((page) => page.NewAppPage)],
  [['apps', ':app', 'webhooks'], Webhooks],
  [['apps', ':app', 'webhooks', ':id'], Webhooks],
  [['api-keys'], Keys],
  [['api-keys', ':id'], Keys],
  [['apps', ':app', 'refusals'], desk((page) => page.RefusalsPage)],
  [['apps', ':app', 'log'], Log],
  [['log'], Log],
  [['status'], desk((page) => page.StatusPage)],
  [['start'], desk((page) => page.FirstStepsPage)],
]

/** A page that cannot be drawn says so. Without this, the last look of it would stay. */
function Guarded({ children }: { readonly children: JSX.Element }): JSX.Element {
  const [error] = useErrorBoundary()
  if (error === undefined) return children
  return <Failure error={new Error(words.noAnswer)} onAgain={() => location.reload()} />
}

function Routed(): JSX.Element {
  const { path } = here.value
  for (const [pattern, Page] of pages) {
    const params = match(pattern, path)
    if (params !== null)
      return (
        <Guarded key={path.join('/')}>
          <Page {...params} />
        </Guarded>
      )
  }
  return <NotFound key={path.join('/')} />
}

function Signed({ person }: { readonly person: Person }): JSX.Element {
  return (
    <>
      <Shell person={person}>
        <Routed />
      </Shell>
      <Toasts />
    </>
  )
}

/** The link of the address, from the moment in which the address loses it. */
const link = signal<string | null>(null)

/** Takes a link out of the address before anything else, so that no bookmark and no screenshot keeps it. */
function takeLink(): boolean {
  const [, text] = /^#\/in\/([\w.-]+)$/.exec(location.hash) ?? []
  if (text === undefined) return false
  go('#/', true)
  link.value = text
  return true
}

function Root(): JSX.Element {
  if (link.value !== null) {
    const done = (): void => {
      link.value = null
      if (session.value.state === 'unknown') void loadSession()
    }
    return <LinkSignIn link={link.value} onDone={done} />
  }
  const { value } = session
  if (value.state === 'in') return <Signed key={value.person.id} person={value.person} />
  if (value.state === 'unreachable')
    return (
      <main class="sign-in">
        <Failure key={value.error.message} error={value.error} onAgain={() => void loadSession()} />
      </main>
    )
  return value.state === 'out' ? <SignIn session={value} /> : <Skeleton />
}

let known: string | null = null
// Whoever signs in next may see less, so all that the page knows goes with the person.
effect(() => {
  const { value } = session
  const id = value.state === 'in' ? value.person.id : null
  if (id === known) return
  known = id
  forgetAll()
  forgetSearch()
  forgetToasts()
})
// The page of a person who has signed out must not come back with the Back button.
addEventListener('pageshow', (event) => event.persisted && location.reload())

applyTheme()
// A link that is pasted into a tab with this page changes the hash alone.
addEventListener('hashchange', () => void takeLink())
if (!takeLink()) void loadSession()
document.body.textContent = ''
render(<Root />, document.body)
