/* oxlint-disable import/no-unassigned-import -- the order of the modules is all that these imports are for */
// All that follows the first view. It is one file, because gzip shares what the pages have in common. Its window is 32 kB, and
// styles and words shrink when they stand together, so they come first.
import './style/api-keys.css' with { type: 'text' }
import './style/events.css' with { type: 'text' }
import './style/keys.css' with { type: 'text' }
import './style/log.css' with { type: 'text' }
import './style/manage.css' with { type: 'text' }
import './style/secret.css' with { type: 'text' }
import './style/status.css' with { type: 'text' }
import './style/steps.css' with { type: 'text' }
import './style/why.css' with { type: 'text' }
import './api-key-words.ts'
import './app-words.ts'
import './history-words.ts'
import './key-words.ts'
import './keys-words.ts'
import './log-words.ts'
import './page-words.ts'
import './tiers-words.ts'
import './webhook-words.ts'
import './why-words.ts'
export { find } from './find.ts'
export { KeysSection } from './pages/api-keys.tsx'
export { AppSettings } from './pages/app-settings.tsx'
export { AppPage } from './pages/app.tsx'
export { CustomerPage } from './pages/customer.tsx'
export { Customers } from './pages/customers.tsx'
export { FirstStepsPage } from './pages/first-steps.tsx'
export { LicenseKeyPage } from './pages/license-key.tsx'
export { LicenseKeys } from './pages/license-keys.tsx'
export { LicensePage } from './pages/license.tsx'
export { Licenses } from './pages/licenses.tsx'
export { LogPage } from './pages/log.tsx'
export { NewAppPage } from './pages/new-app.tsx'
export { RefusalsPage } from './pages/refusals.tsx'
export { Rotate } from './pages/rotate.tsx'
export { SigningKeys } from './pages/signing-keys.tsx'
export { StatusPage } from './pages/status.tsx'
export { TiersPage } from './pages/tiers.tsx'
export { WebhooksSection } from './pages/webhooks.tsx'
export { WhyPage } from './pages/why.tsx'
