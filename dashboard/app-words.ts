// The words of the pages that make, change and delete an app.
import { many } from './page-words.ts'

export const appWords = {
  newTitle: 'New app',
  newLead: 'An app has its own signing key, tiers, customers and licenses.',
  create: (name: string): string => (name === '' ? 'Create the app' : `Create ${name}`),
  creating: 'Making its key pair',
  created: (name: string): string => `${name} is here. Give it a tier next.`,
  mode: { live: 'It will be a live app.', test: 'It will be a test app, as your key is.' },
  mayNotCreate:
    'Your key may not create apps: that takes catalogue:write, and a key that is bound to no app.',

  title: (name: string): string => `Settings of ${name}`,
  lead: 'People see the name and the description. Tokens carry the slug.',
  name: 'Name',
  slug: 'Slug',
  slugHint: 'Lowercase letters, digits and hyphens. It is the audience of the tokens, and never changes.',
  slugRule: '1 to 63 lowercase letters, digits or hyphens',
  description: 'Description',
  prefix: 'Prefix of license keys',
  prefixHint: '2 to 8 capital letters or digits. Keys with an earlier prefix still work.',
  prefixTest: 'Every license key of a test app begins with TEST.',
  prefixRule: '2 to 8 capital letters or digits, and not TEST',
  save: 'Save',
  saved: 'The settings are saved.',
  readOnly: 'Your key may not change the app: it lacks the scope catalogue:write.',

  delete: 'Delete the app',
  deleteLead:
    'Its programs can no longer renew or be checked, and every token of it stops here. This cannot be undone.',
  holds: (licenses: number, customers: number): string =>
    `It has ${many(licenses, 'license', 'licenses')} of ${many(customers, 'customer', 'customers')}.`,
  deleteOpen: 'Delete the app…',
  deleteNow: (licenses: number): string =>
    licenses === 0 ? 'Delete the app' : `Delete it with ${many(licenses, 'license', 'licenses')}`,
  deleted: (name: string): string => `${name} is deleted.`,
  mayNotDelete: 'Your key may not delete the app: it lacks the scope delete.',
} as const
