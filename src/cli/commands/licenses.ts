import { buildCommand, buildRouteMap, type Command, type RouteMap } from '@stricli/core'
import {
  createLicense,
  getLicense,
  listLicenses,
  regenerateAll,
  renewLicense,
  revokeLicense,
  type BulkRenewal,
  type LicenseIssue,
  type LicenseListing,
  type LicenseRenewal,
  type LicenseRevocation,
  type OfApp,
} from '../licenses.ts'
import {
  argument,
  database,
  json,
  needed,
  optional,
  parseCount,
  parseLimit,
  parseSlugs,
  parseTime,
  text,
  toggle,
  type DatabaseFlags,
} from './flags.ts'
import { prepare, type Surroundings } from './context.ts'

type LicenseFlags = OfApp & DatabaseFlags
type ListFlags = LicenseListing & DatabaseFlags
type CreateFlags = LicenseIssue & DatabaseFlags
type RevokeFlags = LicenseRevocation & DatabaseFlags
type RenewFlags = LicenseRenewal & DatabaseFlags
type BulkFlags = BulkRenewal & DatabaseFlags

const app = needed('Slug of the app', 'slug')
const id = argument('Id of the license, or its UUID', 'id')
const ofCustomer = text('Only those of this customer, by id or e-mail', 'customer')
const ofTier = text('Only those of this tier, by slug or id', 'tier')
const invalidatePrevious = toggle('Refuse every earlier token, for when one was stolen')

const listCommand: Command<Surroundings> = buildCommand({
  docs: { brief: 'List the licenses of an app, newest first' },
  parameters: {
    flags: {
      app,
      status: {
        kind: 'enum',
        values: ['active', 'expired', 'revoked'],
        brief: 'Only those of this status',
        optional: true,
      },
      customer: ofCustomer,
      tier: ofTier,
      installationId: text('Only those for this installation', 'uuid'),
      limit: optional('At most so many; default all', 'number', parseLimit),
      json,
      database,
    },
  },
  async func(this: Surroundings, flags: ListFlags) {
    await listLicenses(await prepare(this, flags), flags, this.output)
  },
})

const createCommand: Command<Surroundings> = buildCommand({
  docs: { brief: 'Issue a license and print its token' },
  parameters: {
    flags: {
      app,
      installationId: needed('The installation that it is for', 'uuid'),
      customer: needed('Whose it is: an id, or an e-mail, whose customer is made if need be', 'customer'),
      tier: needed('Its tier, by slug or id', 'tier'),
      days: optional('It ends in so many days', 'number', parseCount),
      expires: optional('It ends then, as in 2027-01-31T00:00:00Z', 'time', parseTime),
      forever: toggle('It never ends'),
      features: optional('Features of its own, beside those of the tier: a,b,c', 'slugs', parseSlugs),
      json,
      database,
    },
  },
  async func(this: Surroundings, flags: CreateFlags) {
    await createLicense(await prepare(this, flags), flags, this.output)
  },
})

const getCommand: Command<Surroundings> = buildCommand({
  docs: { brief: 'Show a license, its token too' },
  parameters: { flags: { app, json, database }, positional: id },
  async func(this: Surroundings, flags: LicenseFlags, id: string) {
    await getLicense(await prepare(this, flags), id, flags, this.output)
  },
})

const revokeCommand: Command<Surroundings> = buildCommand({
  docs: { brief: 'End a license at once' },
  parameters: {
    flags: { app, reason: text('Why, for people', 'text'), json, database },
    positional: id,
  },
  async func(this: Surroundings, flags: RevokeFlags, id: string) {
    await revokeLicense(await prepare(this, flags), id, flags, this.output)
  },
})

const reinstateCommand: Command<Surroundings> = buildCommand({
  docs: { brief: 'Undo a revocation and print the token' },
  parameters: { flags: { app, invalidatePrevious, json, database }, positional: id },
  async func(this: Surroundings, flags: RenewFlags, id: string) {
    await renewLicense(await prepare(this, flags), 'reinstate', id, flags, this.output)
  },
})

const regenerateCommand: Command<Surroundings> = buildCommand({
  docs: { brief: 'Issue a license anew, with what its tier has now, and print the token' },
  parameters: { flags: { app, invalidatePrevious, json, database }, positional: id },
  async func(this: Surroundings, flags: RenewFlags, id: string) {
    await renewLicense(await prepare(this, flags), 'regenerate', id, flags, this.output)
  },
})

const regenerateAllCommand: Command<Surroundings> = buildCommand({
  docs: { brief: 'Issue all active licenses anew, or those of a tier or customer' },
  parameters: {
    flags: {
      app,
      tier: ofTier,
      customer: ofCustomer,
      dryRun: toggle('Count and change nothing'),
      json,
      database,
    },
  },
  async func(this: Surroundings, flags: BulkFlags) {
    await regenerateAll(await prepare(this, flags), flags, this.output)
  },
})

export const licensesCommands: RouteMap<Surroundings> = buildRouteMap({
  docs: { brief: 'List, issue, revoke, reinstate and regenerate licenses' },
  routes: {
    list: listCommand,
    create: createCommand,
    get: getCommand,
    revoke: revokeCommand,
    reinstate: reinstateCommand,
    regenerate: regenerateCommand,
    regenerateAll: regenerateAllCommand,
  },
})
