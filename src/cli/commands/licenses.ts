import { buildCommand, buildRouteMap, type Command, type RouteMap } from '@stricli/core'
import {
  createLicense,
  getLicense,
  listLicenses,
  printLicenseFile,
  regenerateAll,
  regenerateLicense,
  reinstateLicense,
  revokeLicense,
  updateLicense,
  type CreateLicenseOptions,
  type LicenseOptions,
  type ListLicensesOptions,
  type NewTokenOptions,
  type RegenerateAllOptions,
  type RevokeLicenseOptions,
  type UpdateLicenseOptions,
} from '../licenses.ts'
import {
  argument,
  database,
  json,
  optional,
  parseCount,
  parseDate,
  parseLimit,
  parseSlugs,
  parseTime,
  required,
  text,
  toggle,
  type DatabaseFlags,
} from './flags.ts'
import { prepare, type CliContext } from './context.ts'

type LicenseFlags = LicenseOptions & DatabaseFlags
type FileFlags = Pick<LicenseOptions, 'app'> & DatabaseFlags
type ListFlags = ListLicensesOptions & DatabaseFlags
type CreateFlags = CreateLicenseOptions & DatabaseFlags
type UpdateFlags = UpdateLicenseOptions & DatabaseFlags
type RevokeFlags = RevokeLicenseOptions & DatabaseFlags
type NewTokenFlags = NewTokenOptions & DatabaseFlags
type RegenerateAllFlags = RegenerateAllOptions & DatabaseFlags

const app = required('The slug of the app', 'slug')
const id = argument('The id of the license, or its UUID', 'id')
const ofCustomer = text('Only licenses of this customer, by id or e-mail', 'customer')
const ofTier = text('Only licenses of this tier, by slug or id', 'tier')
const days = optional('The license ends in this number of days', 'number', parseCount)
const expires = optional('The license ends at this time, as in 2027-01-31T00:00:00Z', 'time', parseTime)
const forever = toggle('The license never ends')
const updatesUntil = optional('Cover versions that are released until this day', 'date', parseDate)
const invalidatePrevious = toggle('Refuse every earlier token; use it if a token was stolen')

const listCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'List the licenses of an app, newest first unless a time filters them' },
  parameters: {
    flags: {
      app,
      status: {
        kind: 'enum',
        values: ['active', 'expired', 'revoked'],
        brief: 'Only licenses with this status',
        optional: true,
      },
      customer: ofCustomer,
      tier: ofTier,
      installation: text('Only licenses for this installation', 'uuid'),
      expiresBefore: optional('Only licenses that end before this day or time', 'date', parseDate),
      expiresAfter: optional('Only licenses that end at this day or time, or later', 'date', parseDate),
      seenBefore: optional('Only licenses that were last seen before this day or time', 'date', parseDate),
      createdAfter: optional('Only licenses of this day or time, or later', 'date', parseDate),
      sort: {
        kind: 'enum',
        values: ['created_at', '-created_at', 'expires_at', '-expires_at'],
        brief: 'The order, - for descending; licenses without end come last',
        optional: true,
      },
      limit: optional('The maximum number of licenses; default all', 'number', parseLimit),
      json,
      database,
    },
  },
  async func(this: CliContext, flags: ListFlags) {
    await listLicenses(await prepare(this, flags), flags, this.output)
  },
})

const createCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Issue a license and print its token' },
  parameters: {
    flags: {
      app,
      installation: required('The installation that receives the license', 'uuid'),
      customer: required('The customer, by id or e-mail; a new e-mail creates a customer', 'customer'),
      tier: required('The tier, by slug or id', 'tier'),
      days,
      expires,
      forever,
      features: optional('Features beyond those of the tier: a,b,c', 'slugs', parseSlugs),
      updatesUntil,
      json,
      database,
    },
  },
  async func(this: CliContext, flags: CreateFlags) {
    await createLicense(await prepare(this, flags), flags, this.output)
  },
})

const getCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Show a license and its token' },
  parameters: { flags: { app, json, database }, positional: id },
  async func(this: CliContext, flags: LicenseFlags, id: string) {
    await getLicense(await prepare(this, flags), id, flags, this.output)
  },
})

const fileCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Print a license file: token and statements, for a program without a network' },
  parameters: { flags: { app, database }, positional: id },
  async func(this: CliContext, flags: FileFlags, id: string) {
    await printLicenseFile(await prepare(this, flags), id, flags, this.output)
  },
})

const updateCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Change a license and print its token' },
  parameters: {
    flags: {
      app,
      installation: text('The installation that gets the license in place of the last one', 'uuid'),
      tier: text('The new tier, by slug or id', 'tier'),
      days,
      expires,
      forever,
      updatesUntil,
      json,
      database,
    },
    positional: id,
  },
  async func(this: CliContext, flags: UpdateFlags, id: string) {
    await updateLicense(await prepare(this, flags), id, flags, this.output)
  },
})

const revokeCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Revoke a license: servers refuse it at once' },
  parameters: {
    flags: { app, reason: text('The reason, for people', 'text'), json, database },
    positional: id,
  },
  async func(this: CliContext, flags: RevokeFlags, id: string) {
    await revokeLicense(await prepare(this, flags), id, flags, this.output)
  },
})

const reinstateCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Undo a revocation and print the token' },
  parameters: { flags: { app, invalidatePrevious, json, database }, positional: id },
  async func(this: CliContext, flags: NewTokenFlags, id: string) {
    await reinstateLicense(await prepare(this, flags), id, flags, this.output)
  },
})

const regenerateCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Issue a license again with the current features of its tier, and print the token' },
  parameters: { flags: { app, invalidatePrevious, json, database }, positional: id },
  async func(this: CliContext, flags: NewTokenFlags, id: string) {
    await regenerateLicense(await prepare(this, flags), id, flags, this.output)
  },
})

const regenerateAllCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Issue all active licenses again, or those of a tier or customer' },
  parameters: {
    flags: {
      app,
      tier: ofTier,
      customer: ofCustomer,
      dryRun: toggle('Count the licenses and change nothing'),
      json,
      database,
    },
  },
  async func(this: CliContext, flags: RegenerateAllFlags) {
    await regenerateAll(await prepare(this, flags), flags, this.output)
  },
})

export const licensesCommands: RouteMap<CliContext> = buildRouteMap({
  docs: { brief: 'List, issue, change, revoke, reinstate and regenerate licenses' },
  routes: {
    list: listCommand,
    create: createCommand,
    get: getCommand,
    file: fileCommand,
    update: updateCommand,
    revoke: revokeCommand,
    reinstate: reinstateCommand,
    regenerate: regenerateCommand,
    regenerateAll: regenerateAllCommand,
  },
})
