import { buildCommand, buildRouteMap, type Command, type RouteMap } from '@stricli/core'
import {
  createFeature,
  getFeature,
  listFeatures,
  type FeatureOptions,
  type ListFeaturesOptions,
} from '../features.ts'
import { prepare, type CliContext } from './context.ts'
import {
  argument,
  database,
  json,
  optional,
  parseLimit,
  required,
  text,
  type DatabaseFlags,
} from './flags.ts'

type ListFlags = ListFeaturesOptions & DatabaseFlags
type FeatureFlags = FeatureOptions & DatabaseFlags

interface CreateFlags extends FeatureOptions, DatabaseFlags {
  readonly name: string
  readonly description?: string
}

const app = required('The slug of the app', 'slug')

const listCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'List the features of an app, newest first' },
  parameters: {
    flags: {
      app,
      limit: optional('The maximum number of features; default all', 'number', parseLimit),
      json,
      database,
    },
  },
  async func(this: CliContext, flags: ListFlags) {
    await listFeatures(await prepare(this, flags), flags, this.output)
  },
})

const createCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Create a feature' },
  parameters: {
    flags: {
      app,
      name: required('The name, for people', 'name'),
      description: text('The description, for people', 'text'),
      json,
      database,
    },
    positional: argument('The slug: lowercase letters, digits and underscores', 'slug'),
  },
  async func(this: CliContext, flags: CreateFlags, slug: string) {
    const { name, description } = flags
    const feature = { slug, name, ...(description !== undefined && { description }) }
    await createFeature(await prepare(this, flags), feature, flags, this.output)
  },
})

const getCommand: Command<CliContext> = buildCommand({
  docs: { brief: 'Show a feature' },
  parameters: { flags: { app, json, database }, positional: argument('The slug or id', 'feature') },
  async func(this: CliContext, flags: FeatureFlags, feature: string) {
    await getFeature(await prepare(this, flags), feature, flags, this.output)
  },
})

export const featuresCommands: RouteMap<CliContext> = buildRouteMap({
  docs: { brief: 'List and create the features that tiers may have' },
  routes: { list: listCommand, create: createCommand, get: getCommand },
})
