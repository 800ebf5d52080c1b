// The words of tiers and features, and of the licenses that are behind them. They come with their page.
import { many } from './page-words.ts'
import { number } from './words.ts'

const licenses = (count: number): string => many(count, 'active license', 'active licenses')

export const tiersWords = {
  title: 'Tiers and features',
  none: 'There is no tier yet. A license needs one. This makes the first one, with two features:',
  good: (count: number): string => (count === 1 ? 'license is good' : 'licenses are good'),
  noneGood: 'No license is good.',
  matrix: 'Features by tier',
  feature: 'Feature',
  has: (tier: string, feature: string): string => `${tier} has ${feature}`,
  yes: 'yes',
  no: 'no',
  acts: 'Changes',
  rename: 'Change…',
  remove: 'Delete…',
  renameOf: (name: string): string => `Change… ${name}`,
  removeOf: (name: string): string => `Delete… ${name}`,
  readOnly: 'Your key may look at tiers, and not change them: it lacks the scope catalogue:write.',
  noDelete: 'Your key may not delete: it lacks the scope delete.',
  lead: 'A tick changes the tier at once. A program has the change after its next renewal.',

  added: (tier: string, feature: string): string => `${tier} has ${feature} now.`,
  takeTitle: (tier: string, feature: string): string => `Take ${feature} from ${tier}`,
  takeLead: (count: number, tier: string): string =>
    count === 0
      ? `No active license has ${tier}, so nobody loses anything.`
      : `${licenses(count)} of ${tier} ${count === 1 ? 'loses' : 'lose'} it at the next renewal.`,
  take: (count: number): string => (count === 0 ? 'Take it away' : `Take it from ${licenses(count)}`),
  taken: (tier: string, feature: string): string => `${tier} no longer has ${feature}.`,

  newTier: 'New tier…',
  newTierTitle: 'New tier',
  newTierLead: 'A tier is what you sell: it names the features and limits of its licenses.',
  createTier: (name: string): string => (name === '' ? 'Create the tier' : `Create ${name}`),
  newFeature: 'New feature…',
  newFeatureTitle: 'New feature',
  newFeatureLead: 'Your program asks for a feature by its slug, which never changes.',
  createFeature: (name: string): string => (name === '' ? 'Create the feature' : `Create ${name}`),
  created: (name: string): string => `${name} is here.`,
  name: 'Name',
  slug: 'Slug',
  slugHint: 'Lowercase letters, digits and underscores. It never changes.',
  slugRule: '1 to 63 lowercase letters, digits or underscores',
  limits: 'Limits',
  limitsHint: 'Such as projects=5, users=10. Empty for none.',
  limitsRule: 'Such as projects=5, users=10',
  withFeatures: 'Features',
  inTiers: 'Tiers that get it',
  description: 'Description, for your colleagues',
  changeTitle: (name: string): string => `Change ${name}`,
  changeTierLead: (count: number): string =>
    count === 0
      ? 'The slug stays, because tokens carry it.'
      : `The slug stays, because tokens carry it. ${licenses(count)} ${count === 1 ? 'gets' : 'get'} new limits at the next renewal.`,
  changeFeatureLead: 'The slug stays, because programs ask for it. Only people see the name.',
  save: 'Save',
  saved: (name: string): string => `${name} is changed.`,

  deleteTierTitle: (name: string): string => `Delete the tier ${name}`,
  deleteTierLead: (active: number, keys: number): string =>
    [
      active === 0
        ? 'No active license has it.'
        : `${licenses(active)} ${active === 1 ? 'keeps its token' : 'keep their tokens'}, and can no longer renew until you give them another tier.`,
      keys === 0 ? '' : `${many(keys, 'license key', 'license keys')} can take no new seat.`,
    ].join(' '),
  deleteTier: (active: number): string =>
    active === 0 ? 'Delete the tier' : `Delete it: ${licenses(active)} cannot renew`,
  deleteFeatureTitle: (name: string): string => `Delete the feature ${name}`,
  deleteFeatureLead: (tiers: readonly string[], count: number): string =>
    tiers.length === 0
      ? 'No tier has it.'
      : `${tiers.join(' and ')} ${tiers.length === 1 ? 'loses' : 'lose'} it, and ${licenses(count)} at the next renewal.`,
  deleteFeature: (count: number): string =>
    count === 0 ? 'Delete the feature' : `Delete it from ${licenses(count)}`,
  deleted: (name: string): string => `${name} is deleted.`,
  counting: 'Counting what depends on it.',

  behind: 'Who is behind',
  behindNone: (count: number): string =>
    count === 0
      ? 'There is no active license yet.'
      : `Each of ${licenses(count)} carries what its tier grants now.`,
  behindSome: (behind: number, all: number): string =>
    `${number.format(behind)} of ${licenses(all)} still ${behind === 1 ? 'carries' : 'carry'} an old list.`,
  behindLead:
    'Each gets the new one at its next renewal. A check against this server uses the old one until then.',
  lost: (count: number): string =>
    `${licenses(count)} lost ${count === 1 ? 'its tier, and cannot renew. Give it' : 'their tier, and cannot renew. Give them'} another one:`,
  look: (count: number): string => `Look through ${licenses(count)}`,
  lookLead: 'Only the licenses themselves tell what they carry, so the page reads each of them.',
  reading: (done: number, all: number): string => `Read ${number.format(done)} of ${licenses(all)}`,
  row: (behind: number, all: number): string => `${number.format(behind)} of ${number.format(all)}`,
  show: 'Show them',
  first: (count: number): string => `Show the first ${number.format(count)}`,
  regenerate: (count: number): string =>
    count === 1 ? 'Regenerate this license' : `Regenerate these ${number.format(count)}`,
  regenerateAll: (count: number, tier: string): string => `Regenerate all ${number.format(count)} of ${tier}`,
  regenerating: (done: number, all: number): string =>
    `Regenerated ${number.format(done)} of ${number.format(all)}`,
  regeneratingAll: 'The server regenerates them',
  stop: 'Stop',
  regenerated: (count: number): string =>
    `${many(count, 'license has', 'licenses have')} the new list. Programs get it at their next renewal.`,
  stopped: (count: number): string => `Stopped. ${many(count, 'license has', 'licenses have')} the new list.`,
  gains: 'gains ',
  loses: 'loses ',
} as const
