import { licensingServer, type ServerOptions } from '../../src/adapters/elysia.ts'
import { createLicensing, type Storage } from '../../src/core/index.ts'
import { openConnection } from '../../src/storage/sqlite/connection.ts'
import { hasWalBug } from '../../src/storage/sqlite/wal-bug.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { inTemporaryFolder } from '../storage/temporary-folder.ts'
import { masterKey, newShop, type Shop } from '../support/fixtures.ts'

/** One database behind two servers, which must respond alike. */
export interface Pair extends Shop {
  /** The server whose storage reads at once. */
  readonly direct: (request: Request) => Promise<Response>
  /** The same over a wrapper, which has no immediate reads. */
  readonly general: (request: Request) => Promise<Response>
  /** A second connection, as another process has it. */
  readonly other: Storage
  readonly filename: string
}

export const options: ServerOptions = {
  standalone: true,
  metrics: true,
  rateLimits: { verify: 10_000 },
  clientAddress: () => '192.0.2.1',
}

export async function withPair(
  work: (pair: Pair) => Promise<void>,
  given: ServerOptions = options,
): Promise<void> {
  await inTemporaryFolder(async (folder) => {
    const filename = `${folder}/heartwood.db`
    const storage = await sqliteStorage({ filename })
    const other = await sqliteStorage({ filename })
    const shop = await newShop({ storage })
    const now = (): number => shop.clock.seconds * 1000 + 999
    const wrapper = Object.create(storage) as Storage
    const wrapped = await createLicensing({ storage: wrapper, masterKey, now })
    const [direct, general] = [shop.licensing, wrapped].map((licensing) => {
      const app = licensingServer(licensing, given)
      return async (request: Request): Promise<Response> => app.fetch(request)
    })
    await work({ ...shop, direct: direct!, general: general!, other, filename }).finally(async () => {
      await storage.close()
      await other.close()
    })
  })
}

/** An SQLite with the fault of `wal-bug.ts` has no connection beside the writer, so it has no immediate reads. */
export async function hasOneConnection(): Promise<boolean> {
  const connection = await openConnection(':memory:', { readonly: false })
  const row = connection.first<{ version: string }>('select sqlite_version() as version', [])
  connection.close()
  return hasWalBug(row!.version)
}

/** All that a client sees of a response. The seconds to the next window depend on the time. */
export async function seenOf(response: Response): Promise<unknown> {
  const headers = [...response.headers].map(([name, value]) => [name, value.replace(/;t=\d+$/, '')])
  return { status: response.status, headers, body: await response.text() }
}
