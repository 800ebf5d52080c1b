import { buildCommand, buildRouteMap, type Command, type RouteMap } from '@stricli/core'
import {
  addFeature,
  createTier,
  getTier,
  listTiers,
  type ListTiersOptions,
  type TierOptions,
} from '../tiers.ts'
import type { Limits } from '../../core/index.ts'
import { prepare, type CliContext } from './context.ts'
import {
  argument,
  database,
  json,
  optional,
  parseLimit,
  parseLimits,
  parseSlugs,
  required,
  text,
  type DatabaseFlags,
} from './flags.ts'

type ListFlags = ListTiersOptions & DatabaseFlags
type TierFlags = TierOptions & DatabaseFlags

interface CreateFlags extends TierOptions, DatabaseFlags {
  readonly name: string
  readonly description?: string
  readonly features?: readonly string[]
  readonly limits?: Limits
}

interface AddFlags extends TierOptions, DatabaseFlags {
  readonly feature: string
  readonly name?: string
}

const app = required('The slug of the app', 'slug')
const tier = argument('The slug or id of the tier', 'tier')

const listCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'List the tiers of an app, in their order' },
  parameters: {
    flags: {
      app,
      limit: optional('The maximum number of tiers; default all', 'number', parseLimit),
      json,
      database,
    },
  },
  async func(this: CliContext, flags: ListFlags) {
    await listTiers(await prepare(this, flags), flags, this.output)
  },
})

const createCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Create a tier' },
  parameters: {
    flags: {
      app,
      name: required('The name, for people', 'name'),
      description: text('The description, for people', 'text'),
      features: optional('Its features: a,b,c; new ones join the catalogue', 'slugs', parseSlugs),
      limits: optional('Its limits: projects=5,users=10', 'limits', parseLimits),
      json,
      database,
    },
    positional: argument('The slug: lowercase letters, digits and underscores', 'slug'),
  },
  async func(this: CliContext, flags: CreateFlags, slug: string) {
    const { name, description, features, limits } = flags
    const created = {
      slug,
      name,
      ...(description !== undefined && { description }),
      ...(features !== undefined && { features }),
      ...(limits !== undefined && { limits }),
    }
    await createTier(await prepare(this, flags), created, flags, this.output)
  },
})

const getCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Show a tier' },
  parameters: { flags: { app, json, database }, positional: tier },
  async func(this: CliContext, flags: TierFlags, slug: string) {
    await getTier(await prepare(this, flags), slug, flags, this.output)
  },
})

const addFeatureCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Add a feature to a tier' },
  parameters: {
    flags: {
      app,
      feature: required('The slug of the feature; a new one joins the catalogue', 'slug'),
      name: text('The name of a new feature, for people; default its slug', 'name'),
      json,
      database,
    },
    positional: tier,
  },
  async func(this: CliContext, flags: AddFlags, slug: string) {
    const { feature, name = feature } = flags
    await addFeature(await prepare(this, flags), slug, { slug: feature, name }, flags, this.output)
  },
})

export const tiersCommands: RouteMap<CliContext> = buildRouteMap({
  docs: { brief: 'List and create tiers, and add features to them' },
  routes: { list: listCommand, create: createCommand, get: getCommand, addFeature: addFeatureCommand },
})
