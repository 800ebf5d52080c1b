import { buildCommand, buildRouteMap, type Command, type RouteMap } from '@stricli/core'
import { checkKey } from '../check-key.ts'
import {
  createLicenseKeys,
  getLicenseKey,
  listLicenseKeys,
  listSeats,
  reinstateLicenseKey,
  releaseSeat,
  revokeLicenseKey,
  rollLicenseKey,
  updateLicenseKey,
  type CreateLicenseKeyOptions,
  type LicenseKeyOptions,
  type ListLicenseKeysOptions,
  type RevokeLicenseKeyOptions,
  type RollOptions,
  type UpdateLicenseKeyOptions,
} from '../license-keys.ts'
import type { AsJson } from '../terminal/output.ts'
import { prepare, type CliContext } from './context.ts'
import {
  argument,
  database,
  json,
  optional,
  parseCount,
  parseDate,
  parseLimit,
  parseTime,
  required,
  text,
  toggle,
  type DatabaseFlags,
} from './flags.ts'

type KeyFlags = LicenseKeyOptions & DatabaseFlags
type ListFlags = ListLicenseKeysOptions & DatabaseFlags
type CreateFlags = CreateLicenseKeyOptions & DatabaseFlags
type UpdateFlags = UpdateLicenseKeyOptions & DatabaseFlags
type RollFlags = RollOptions & DatabaseFlags
type RevokeFlags = RevokeLicenseKeyOptions & DatabaseFlags

const app = required('The slug of the app', 'slug')
const id = argument('The id of the license key: lkey_…', 'id')
const seats = optional('The number of installations that it is for', 'number', parseCount)
const days = optional('The license key ends in this number of days', 'number', parseCount)
const expires = optional('The license key ends at this time, as in 2027-01-31T00:00:00Z', 'time', parseTime)
const forever = toggle('The license key never ends')
const name = text('The name, for people', 'name')
const updatesUntil = optional('Cover versions that are released until this day', 'date', parseDate)

const listCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'List the license keys of an app without their texts, newest first' },
  parameters: {
    flags: {
      app,
      status: {
        kind: 'enum',
        values: ['active', 'expired', 'revoked'],
        brief: 'Only license keys with this status',
        optional: true,
      },
      customer: text('Only license keys of this customer, by id or e-mail', 'customer'),
      tier: text('Only license keys of this tier, by slug or id', 'tier'),
      limit: optional('The maximum number of license keys; default all', 'number', parseLimit),
      json,
      database,
    },
  },
  async func(this: CliContext, flags: ListFlags) {
    await listLicenseKeys(await prepare(this, flags), flags, this.output)
  },
})

const createCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Make a license key and print its text' },
  parameters: {
    flags: {
      app,
      customer: required('The customer, by id or e-mail; a new e-mail creates a customer', 'customer'),
      tier: required('The tier, by slug or id', 'tier'),
      days,
      expires,
      forever,
      startsOnActivation: toggle('The days begin with the first activation'),
      seats,
      name,
      externalId: text('The sale in your shop', 'id'),
      updatesUntil,
      count: optional('Make this number of license keys, one text a line', 'number', parseLimit),
      json,
      database,
    },
  },
  async func(this: CliContext, flags: CreateFlags) {
    await createLicenseKeys(await prepare(this, flags), flags, this.output)
  },
})

const getCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Show a license key and its text' },
  parameters: { flags: { app, json, database }, positional: id },
  async func(this: CliContext, flags: KeyFlags, id: string) {
    await getLicenseKey(await prepare(this, flags), id, flags, this.output)
  },
})

const updateCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Change a license key, and issue its seats again if their tokens change' },
  parameters: {
    flags: {
      app,
      tier: text('The new tier, by slug or id', 'tier'),
      seats,
      days,
      expires,
      forever,
      name,
      updatesUntil,
      json,
      database,
    },
    positional: id,
  },
  async func(this: CliContext, flags: UpdateFlags, id: string) {
    await updateLicenseKey(await prepare(this, flags), id, flags, this.output)
  },
})

const seatsCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'List the licenses that were activated with a license key' },
  parameters: { flags: { app, json, database }, positional: id },
  async func(this: CliContext, flags: KeyFlags, id: string) {
    await listSeats(await prepare(this, flags), id, flags, this.output)
  },
})

const releaseCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Give the seat of a license back, so that another installation can take it' },
  parameters: {
    flags: { app, json, database },
    positional: argument('The id of the license, or its UUID', 'license'),
  },
  async func(this: CliContext, flags: KeyFlags, license: string) {
    await releaseSeat(await prepare(this, flags), license, flags, this.output)
  },
})

const rollCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Give a license key another text and print it; installations go on' },
  parameters: {
    flags: {
      app,
      overlapDays: optional(
        'The days for which the old text works too, 0 to 90; default 0',
        'days',
        parseCount,
      ),
      json,
      database,
    },
    positional: id,
  },
  async func(this: CliContext, flags: RollFlags, id: string) {
    await rollLicenseKey(await prepare(this, flags), id, flags, this.output)
  },
})

const revokeCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Revoke a license key with all its seats' },
  parameters: {
    flags: { app, reason: text('The reason, for people', 'text'), json, database },
    positional: id,
  },
  async func(this: CliContext, flags: RevokeFlags, id: string) {
    await revokeLicenseKey(await prepare(this, flags), id, flags, this.output)
  },
})

const reinstateCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Undo the revocation of a license key' },
  parameters: { flags: { app, json, database }, positional: id },
  async func(this: CliContext, flags: KeyFlags, id: string) {
    await reinstateLicenseKey(await prepare(this, flags), id, flags, this.output)
  },
})

export const licenseKeysCommands: RouteMap<CliContext> = buildRouteMap({
  docs: { brief: 'List, make, change, roll, revoke and reinstate license keys, and release their seats' },
  routes: {
    list: listCommand,
    create: createCommand,
    get: getCommand,
    update: updateCommand,
    seats: seatsCommand,
    release: releaseCommand,
    roll: rollCommand,
    revoke: revokeCommand,
    reinstate: reinstateCommand,
  },
})

export const checkKeyCommand: Command<CliContext> = buildCommand({
  docs: {
    brief: 'Check the text of a license key offline',
    fullDescription:
      'Checks the text of a license key without a database or network, and prints it in its usual form. If it has a typing error, the command says what it may mean. It knows no keys of other shops.',
  },
  parameters: {
    flags: { json },
    positional: argument('The text; - for standard input, which keeps it out of the history', 'text'),
  },
  async func(this: CliContext, flags: AsJson, text: string) {
    await checkKey(text, flags, this.output)
  },
})
