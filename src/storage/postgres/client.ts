import { LicensingError } from '../../core/errors.ts'
import type { Sql } from 'postgres'
import type { Address } from './address.ts'
import { dialler } from './dial.ts'

/** The options of one client. */
export interface ClientOptions {
  /** Limits that the server keeps for the connection, by the names of PostgreSQL. */
  readonly limits: Readonly<Record<string, number>>
  /** Runs when the connection is gone. */
  readonly lost?: () => void
}

/** Makes clients of one connection each. */
export type MakeClient = (options: ClientOptions) => Sql

type Given = Readonly<Record<string, unknown>>

/** Leaves a value that is absent to the driver's defaults, which look for the name of an option. */
function present(options: Given): Given {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

/**
 * True for an address that the driver reads as we do. It takes no IPv6 address, and never gives several hosts up. Without a
 * host in the address it reads PGHOST, which may name several.
 */
function isPlain({ places, target }: Address): boolean {
  const isName = ({ host }: { readonly host: string }): boolean => /^[^:/,]+$/.test(host)
  return target === undefined && places.length === 1 && places.every(isName)
}

function driverOptions(address: Address): Given {
  const { places, user, password, database, tls, prepare, target } = address
  const [first] = places
  const known = { host: first?.host, port: first?.port, user, password, database, ssl: tls }
  const socket = isPlain(address) ? undefined : dialler(places, address.connectSeconds, target !== undefined)
  return present({ ...known, prepare, target_session_attrs: target, socket })
}

/** The driver is an optional peer dependency. */
async function requirePostgres(): Promise<typeof import('postgres')> {
  const { default: postgres } = await import('postgres').catch((cause: unknown) => {
    throw new LicensingError('unavailable', 'PostgreSQL needs the package "postgres" beside heartwood', {
      cause,
    })
  })
  return postgres
}

/** A pooler gets no limits, because it would set them for one client and keep them for another. */
export async function clientsOf(address: Address): Promise<MakeClient> {
  const postgres = await requirePostgres()
  return ({ limits, lost }) =>
    postgres({
      ...driverOptions(address),
      max: 1,
      connect_timeout: address.connectSeconds,
      idle_timeout: 0,
      max_lifetime: null,
      fetch_types: false,
      ...(lost !== undefined && { onclose: lost }),
      onnotice: () => {},
      connection: {
        application_name: 'heartwood',
        ...(address.isPooled ? {} : limits),
        ...address.startup,
      },
    })
}
