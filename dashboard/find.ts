import type { App } from '../src/core/index.ts'
import { codeOf, licensing } from './api.ts'
import { read, type Reading } from './reading.ts'
import { go, to } from './router.ts'
import { words } from './words.ts'

/** Nothing of this kind in one app is no failure: the next app may have it. */
async function orNull<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call
  } catch (error) {
    if (['not_found', 'validation_error', 'forbidden'].includes(codeOf(error) ?? '')) return null
    throw error
  }
}

async function placeIn({ slug }: Pick<App, 'slug'>, reading: Reading): Promise<string | null> {
  const { licenses, customers } = licensing
  const license = (id: string): string => to(['apps', slug, 'licenses', id])
  const customer = (id: string): string => to(['apps', slug, 'customers', id])
  switch (reading.kind) {
    case 'license': {
      const found = await orNull(licenses.get(slug, reading.id))
      return found && license(found.id)
    }
    case 'customer': {
      const found = await orNull(customers.get(slug, reading.id))
      return found && customer(found.id)
    }
    case 'installation': {
      const { data } = await licenses.list(slug, { installationId: reading.text, perPage: 1 })
      return data[0] === undefined ? null : license(data[0].id)
    }
    case 'email': {
      const { data } = await customers.list(slug, { email: reading.text, perPage: 1 })
      return data[0] === undefined ? null : customer(data[0].id)
    }
    case 'text': {
      const { data } = await customers.list(slug, { externalId: reading.text, perPage: 1 })
      return data[0] === undefined ? null : customer(data[0].id)
    }
    default:
      return null
  }
}

/** The place of what was read; `null` if no app has it. */
async function placeOf(reading: Reading): Promise<string | null> {
  if (reading.kind === 'token')
    return placeIn({ slug: reading.app }, { kind: 'license', id: reading.license })
  const { data: apps } = await licensing.apps.list({ perPage: 100 })
  if (reading.kind === 'app') {
    const app = apps.find(({ id }) => id === reading.id)
    return app === undefined ? null : to(['apps', app.slug])
  }
  const named = reading.kind === 'text' ? apps.find(({ slug }) => slug === reading.text) : undefined
  if (named !== undefined) return to(['apps', named.slug])
  for (const app of apps) {
    const place = await placeIn(app, reading)
    if (place !== null) return place
  }
  return null
}

const refusals: Readonly<Partial<Record<Reading['kind'], string>>> = {
  secret: words.find.secret,
  licenseKey: words.find.licenseKey,
}

/** Goes to the place of what was pasted. Resolves to the words for a search that led nowhere. */
export async function find(text: string): Promise<string> {
  const reading = read(text)
  if (reading.kind === 'nothing') return ''
  const refusal = refusals[reading.kind]
  if (refusal !== undefined) return refusal
  const place = await placeOf(reading)
  if (place === null) return words.find.none
  go(place)
  return ''
}
