import { effect, signal } from '@preact/signals'
import { render, type JSX } from 'preact'
import { useErrorBoundary } from 'preact/hooks'
import { forgetAll } from './data.ts'
import { lazy } from './lazy.tsx'
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

const Webhooks = lazy(async () => (await import('./pages/webhooks.tsx')).WebhooksSection)
const Keys = lazy(async () => (await import('./pages/api-keys.tsx')).KeysSection)
const Why = lazy(async () => (await import('./pages/why.tsx')).WhyPage)

/** The pages, by the parts of their paths. */
const pages: readonly (readonly [pattern: readonly string[], Page: (params: Params) => JSX.Element])[] = [
  [[], Find],
  [['why'], Why],
  [['why', ':id'], Why],
  [['apps', ':app'], lazy(async () => (await import('./pages/app.tsx')).AppPage)],
  [['apps', ':app', 'licenses'], lazy(async () => (await import('./pages/licenses.tsx')).Licenses)],
  [['apps', ':app', 'licenses', ':id'], lazy(async () => (await import('./pages/license.tsx')).LicensePage)],
  [
    ['apps', ':app', 'license-keys'],
    lazy(async () => (await import('./pages/license-keys.tsx')).LicenseKeys),
  ],
  [
    ['apps', ':app', 'license-keys', ':id'],
    lazy(async () => (await import('./pages/license-key.tsx')).LicenseKeyPage),
  ],
  [
    ['apps', ':app', 'customers', ':id'],
    lazy(async () => (await import('./pages/customer.tsx')).CustomerPage),
  ],
  [['apps', ':app', 'tiers'], lazy(async () => (await import('./pages/tiers.tsx')).TiersPage)],
  [
    ['apps', ':app', 'signing-keys'],
    lazy(async () => (await import('./pages/signing-keys.tsx')).SigningKeys),
  ],
  [['apps', ':app', 'signing-keys', 'rotate'], lazy(async () => (await import('./pages/rotate.tsx')).Rotate)],
  [['apps', ':app', 'settings'], lazy(async () => (await import('./pages/app-settings.tsx')).AppSettings)],
  [['new-app'], lazy(async () => (await import('./pages/new-app.tsx')).NewAppPage)],
  [['apps', ':app', 'webhooks'], Webhooks],
  [['apps', ':app', 'webhooks', ':id'], Webhooks],
  [['api-keys'], Keys],
  [['api-keys', ':id'], Keys],
  [['apps', ':app', 'refusals'], lazy(async () => (await import('./pages/refusals.tsx')).RefusalsPage)],
  [['apps', ':app', 'log'], lazy(async () => (await import('./pages/log.tsx')).LogPage)],
  [['log'], lazy(async () => (await import('./pages/log.tsx')).LogPage)],
  [['status'], lazy(async () => (await import('./pages/status.tsx')).StatusPage)],
  [['start'], lazy(async () => (await import('./pages/first-steps.tsx')).FirstStepsPage)],
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
