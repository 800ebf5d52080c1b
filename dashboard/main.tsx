import { signal } from '@preact/signals'
import { render, type JSX } from 'preact'
import { forgetAll } from './data.ts'
import { section } from './section.tsx'
import { Find } from './pages/find.tsx'
import { LinkSignIn, SignIn } from './pages/sign-in.tsx'
import { go, here, match } from './router.ts'
import { loadSession, session, type Person } from './session.ts'
import { Shell } from './shell.tsx'
import { NotFound, Skeleton } from './states.tsx'
import { applyTheme } from './theme.ts'
import { Toasts } from './toasts.tsx'

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

function Routed(): JSX.Element {
  const { path } = here.value
  for (const [pattern, Page] of pages) {
    const params = match(pattern, path)
    if (params !== null) return <Page key={path.join('/')} {...params} />
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
  forgetAll()
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
  return value.state === 'out' ? <SignIn session={value} /> : <Skeleton />
}

applyTheme()
// A link that is pasted into a tab with this page changes the hash alone.
addEventListener('hashchange', () => void takeLink())
if (!takeLink()) void loadSession()
document.body.textContent = ''
render(<Root />, document.body)
