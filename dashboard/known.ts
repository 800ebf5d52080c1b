import type { ReadonlySignal } from '@preact/signals'
import type { App, Customer, License, LicenseQuery, Listing, Tier } from '../src/core/index.ts'
import { licensing } from './api.ts'
import { useKnown, type Known } from './data.ts'
import { days, now } from './times.ts'

export type Asked<T> = ReadonlySignal<Known<T>>

/** The names under which things are known. A write forgets all that begin with a name. */
export const names = {
  apps: 'apps',
  app: (app: string): string => `app ${app}`,
  tiers: (app: string): string => `tiers ${app}`,
  licenses: (app: string): string => `licenses ${app}`,
  license: (app: string, id: string): string => `license ${app} ${id}`,
  customer: (app: string, id: string): string => `customer ${app} ${id}`,
  licenseKeys: (app: string): string => `license keys ${app}`,
  licenseKey: (app: string, id: string): string => `license key ${app} ${id}`,
  signingKeys: (app: string): string => `signing keys ${app}`,
  why: (about: string): string => `why ${about}`,
}

export function useApps(): Asked<readonly App[]> {
  return useKnown(names.apps, async (signal) => {
    const { data } = await licensing.withOptions({ signal }).apps.list({ perPage: 100 })
    return data
  })
}

export function useApp(app: string): Asked<App> {
  return useKnown(names.app(app), (signal) => licensing.withOptions({ signal }).apps.get(app))
}

export function useTiers(app: string): Asked<readonly Tier[]> {
  return useKnown(names.tiers(app), async (signal) => {
    const { data } = await licensing.withOptions({ signal }).tiers.list(app, { perPage: 100 })
    return data
  })
}

/** A page of licenses. Its size keeps the list quick, however many there are. */
export interface LicensePage {
  readonly status?: License['status']
  readonly tierId?: string
  readonly customerId?: string
  readonly cursor?: string
  /** Only good licenses that end within so many days. */
  readonly ends?: number
  /** Only good licenses that were last seen so many days ago, or earlier. */
  readonly unseen?: number
}

/** The times of a query count from the call, so that the name of a page stays the same. */
export function licenseQuery({ ends, unseen, ...page }: LicensePage): LicenseQuery {
  return {
    ...page,
    ...((ends ?? unseen) !== undefined && { status: 'active' as const }),
    ...(ends !== undefined && { expiresBefore: now() + days(ends) }),
    ...(unseen !== undefined && { seenBefore: now() - days(unseen) }),
  }
}

export function useLicenses(app: string, page: LicensePage, perPage = 25): Asked<Listing<License>> {
  const name = `${names.licenses(app)} ${JSON.stringify(page)} ${perPage}`
  return useKnown(name, (signal) =>
    licensing.withOptions({ signal }).licenses.list(app, { ...licenseQuery(page), perPage }),
  )
}

export function useLicense(app: string, id: string): Asked<License> {
  return useKnown(names.license(app, id), (signal) => licensing.withOptions({ signal }).licenses.get(app, id))
}

export function useCustomer(app: string, id: string): Asked<Customer> {
  return useKnown(names.customer(app, id), (signal) =>
    licensing.withOptions({ signal }).customers.get(app, id),
  )
}
