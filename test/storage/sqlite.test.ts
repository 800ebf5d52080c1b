import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Storage } from '../../src/core/storage/index.ts'
import { openConnection } from '../../src/storage/sqlite/connection.ts'
import { openFile } from '../../src/storage/sqlite/open.ts'
import { hasWalBug } from '../../src/storage/sqlite/wal-bug.ts'
import { readSqliteSnapshot } from '../../src/storage/snapshot.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { storageCases } from '../../src/testing/index.ts'
import {
  addApp,
  addLicense,
  addParents,
  newApp,
  newSigningKey,
} from '../../src/testing/storage-cases/records.ts'
import { inTemporaryFolder, withFiles } from './temporary-folder.ts'
import { unavailable } from './unavailable.ts'

describe('SQLite storage in memory: the contract', () => {
  for (const { name, run } of storageCases) it(name, () => run(() => sqliteStorage({ filename: ':memory:' })))
})

describe('SQLite storage in a file: the contract', () => {
  for (const { name, run } of storageCases) {
    it(name, () => withFiles((nextFile) => run(() => sqliteStorage({ filename: nextFile() }))))
  }
})

describe('SQLite storage in a file without a write-ahead log: the contract', () => {
  for (const { name, run } of storageCases) {
    it(name, () => withFiles((nextFile) => run(() => openFile(nextFile(), 'truncate'))))
  }
})

const hashOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')

/** Runs SQL on a connection of its own. */
async function execute(filename: string, sql: string): Promise<void> {
  const connection = await openConnection(filename, { readonly: false })
  connection.exec(sql)
  connection.close()
}

/** Creates and closes a database with some records. */
async function used(filename: string): Promise<string> {
  const storage = await sqliteStorage({ filename })
  await addLicense(storage, await addParents(storage))
  await storage.close()
  return filename
}

describe('SQLite storage: opening', () => {
  it('leaves a current file unchanged, byte for byte', () =>
    withFiles(async (nextFile) => {
      const filename = await used(nextFile())
      const before = hashOf(filename)
      const storage = await sqliteStorage({ filename })
      assert.equal(await storage.countApps({}), 1)
      await storage.ping()
      await storage.close()
      assert.equal(hashOf(filename), before)
      assert.deepEqual(readdirSync(dirname(filename)), ['1.db'])
    }))

  it('refuses a file of a newer version, and leaves it unchanged', () =>
    withFiles(async (nextFile) => {
      const filename = await used(nextFile())
      await execute(
        filename,
        "insert into heartwood_migration values ('9999-later', '2999-01-01T00:00:00.000Z')",
      )
      const before = hashOf(filename)
      await assert.rejects(sqliteStorage({ filename }), unavailable(/newer version of Heartwood/))
      assert.equal(hashOf(filename), before)
      assert.deepEqual(readdirSync(dirname(filename)), ['1.db'])
    }))

  const noDatabases = {
    'a long text': 'no database '.repeat(1000),
    'a short text': 'no',
    zeros: '\0'.repeat(4096),
  }
  for (const [kind, content] of Object.entries(noDatabases)) {
    it(`refuses a file that holds ${kind}, and leaves it unchanged`, () =>
      withFiles(async (nextFile) => {
        const filename = nextFile()
        writeFileSync(filename, content)
        await assert.rejects(sqliteStorage({ filename }), unavailable(/not an SQLite database/))
        assert.equal(readFileSync(filename, 'utf8'), content)
      }))
  }

  it('refuses a folder, and a file in a missing folder, which it does not create', () =>
    inTemporaryFolder(async (folder) => {
      mkdirSync(join(folder, 'folder'))
      const missing = join(folder, 'missing')
      for (const filename of [join(folder, 'folder'), join(missing, 'a.db')]) {
        await assert.rejects(sqliteStorage({ filename }), unavailable(/cannot be opened/))
      }
      assert.equal(existsSync(missing), false)
    }))

  it('opens an empty file as a new database', () =>
    withFiles(async (nextFile) => {
      const filename = nextFile()
      writeFileSync(filename, '')
      assert.equal(await (await sqliteStorage({ filename })).countApps({}), 0)
    }))

  it('adds its tables to those of a host', () =>
    withFiles(async (nextFile) => {
      const filename = nextFile()
      await execute(filename, "create table app (id text); insert into app values ('mine')")
      const storage = await sqliteStorage({ filename })
      await addApp(storage)
      await storage.close()
      const connection = await openConnection(filename, { readonly: true })
      const names = connection.prepare("select name from sqlite_schema where type = 'table'").all([])
      const own = (names as { name: string }[]).map(({ name }) => name).filter((name) => name !== 'app')
      assert.ok(own.every((name) => name.startsWith('heartwood_')))
      assert.deepEqual({ ...connection.first<object>('select * from app', []) }, { id: 'mine' })
      connection.close()
    }))

  it('close(): leaves a host’s connection open', async () => {
    const client = await openLent()
    const storage = await sqliteStorage({ client })
    await addApp(storage)
    await storage.close()
    await assert.rejects(storage.ping(), unavailable(/closed/))
    assert.deepEqual(
      { ...(client.prepare('select count(*) as apps from heartwood_app').get() as object) },
      { apps: 1 },
    )
    client.close()
  })

  it('hasWalBug(): knows the versions of SQLite that can corrupt a write-ahead log', () => {
    const bad = ['3.7.0', '3.43.2', '3.44.5', '3.50.6', '3.51.2', '3.45.0']
    const good = ['3.44.6', '3.50.7', '3.51.3', '3.52.0', '3.53.4', '3.100.0', '4.0.0']
    assert.deepEqual(
      bad.filter((version) => !hasWalBug(version)),
      [],
    )
    assert.deepEqual(good.filter(hasWalBug), [])
  })
})

async function openLent() {
  if ('Bun' in globalThis) return new (await import('bun:sqlite')).Database(':memory:')
  return new (await import('node:sqlite')).DatabaseSync(':memory:')
}

/** Opens one new file `count` times, and closes every handle. */
const shared = (count: number, work: (handles: Storage[]) => Promise<void>): Promise<void> =>
  withFiles(async (nextFile) => {
    const filename = nextFile()
    const handles = await Promise.all(Array.from({ length: count }, () => sqliteStorage({ filename })))
    await work(handles)
    for (const handle of handles) await handle.close()
    assert.deepEqual(readdirSync(dirname(filename)), ['1.db'])
  })

describe('SQLite storage: several handles on one file', () => {
  it('a new file may be opened concurrently', () =>
    shared(4, async (handles) => {
      await addApp(handles[0]!)
      for (const handle of handles) assert.equal(await handle.countApps({}), 1)
    }))

  it('a read outside an open transaction returns the old state without waiting', () =>
    shared(2, async ([one, other]) => {
      const parents = await addParents(one!)
      const license = await addLicense(one!, parents)
      const find = (storage: Storage) => storage.findCurrentLicense(parents.app.slug, license.installationId)
      await one!.transaction(async (tx) => {
        await tx.updateLicense(license.id, 1, { tier: 'new' })
        for (const storage of [one!, other!]) {
          assert.equal((await find(storage))?.version, 1)
          assert.equal((await storage.findLicense(parents.app.id, license.id))?.version, 1)
        }
      })
      for (const storage of [one!, other!]) assert.equal((await find(storage))?.version, 2)
    }))

  it('updateLicense(): has one winner in concurrent transactions of two handles', () =>
    shared(2, async (handles) => {
      const parents = await addParents(handles[0]!)
      const license = await addLicense(handles[0]!, parents)
      const answers = await Promise.all(
        [...handles, ...handles].map((handle) =>
          handle.transaction(async (tx) => {
            const changed = await tx.updateLicense(license.id, 1, { revision: 2 })
            await new Promise((resolve) => setTimeout(resolve, 30))
            return changed
          }),
        ),
      )
      assert.equal(answers.filter((answer) => answer !== null).length, 1)
    }))

  it('transaction(): may read first and then write, although another handle writes meanwhile', () =>
    shared(2, async ([one, other]) => {
      const parents = await addParents(one!)
      const license = await addLicense(one!, parents)
      let beside: Promise<unknown> | undefined
      const changed = await one!.transaction(async (tx) => {
        const { version } = (await tx.findLicense(parents.app.id, license.id))!
        beside = addApp(other!)
        await new Promise((resolve) => setTimeout(resolve, 50))
        return tx.updateLicense(license.id, version, { revision: 2 })
      })
      await beside
      assert.equal(changed?.revision, 2)
      assert.equal(await one!.countApps({}), 2)
    }))

  it('processes that open, migrate and write concurrently lose nothing', { timeout: 60_000 }, () =>
    withFiles(async (nextFile) => {
      const filename = nextFile()
      const slugs = ['a', 'b', 'c', 'd']
      await Promise.all(slugs.map((slug) => runProcess(filename, slug)))
      const storage = await sqliteStorage({ filename })
      const apps = await storage.listApps({}, { limit: 9 })
      assert.deepEqual(
        apps.map((app) => `${app.slug}${app.name}`),
        ['d10', 'c10', 'b10', 'a10'],
      )
      await storage.close()
    }),
  )
})

async function runProcess(filename: string, slug: string): Promise<void> {
  const script = fileURLToPath(new URL('open-and-count.ts', import.meta.url))
  const flags = 'Deno' in globalThis ? ['run', '-A', '--no-check'] : []
  await promisify(execFile)(process.execPath, [...flags, script, filename, slug])
}

/** Every byte of the file and of its log. */
const bytesOf = (filename: string): string =>
  [filename, `${filename}-wal`].map((file) => (existsSync(file) ? readFileSync(file, 'latin1') : '')).join('')

describe('SQLite storage: deleted secrets', () => {
  it('swapActiveKey(), deleteApp(): leave no old private key in the file or its log', () =>
    withFiles(async (nextFile) => {
      const filename = nextFile()
      const storage = await sqliteStorage({ filename })
      const app = await addApp(storage)
      const keys = ['ONE', 'TWO', 'THREE'].map((name) =>
        newSigningKey(app.id, { privateKey: `SEALED-${name}-`.repeat(300) }),
      )
      await storage.swapActiveKey(app.id, null, keys[0]!, null)
      assert.match(bytesOf(filename), /SEALED-ONE/)
      await storage.swapActiveKey(app.id, keys[0]!.kid, keys[1]!, 9_000_000_000)
      assert.doesNotMatch(bytesOf(filename), /SEALED-ONE/)
      await storage.transaction((tx) => tx.swapActiveKey(app.id, keys[1]!.kid, keys[2]!, null))
      assert.doesNotMatch(bytesOf(filename), /SEALED-TWO/)
      assert.match(bytesOf(filename), /SEALED-THREE/)
      await storage.deleteApp(app.id)
      assert.doesNotMatch(bytesOf(filename), /SEALED-THREE/)
      await storage.close()
    }))
})

describe('SQLite storage: closing', () => {
  it('close(): waits for the open transaction, which is stored', () =>
    withFiles(async (nextFile) => {
      const filename = nextFile()
      const storage = await sqliteStorage({ filename })
      const work = storage.transaction(async (tx) => {
        await tx.insertApp(newApp())
        await new Promise((resolve) => setTimeout(resolve, 20))
        return tx.insertApp(newApp())
      })
      await Promise.all([storage.close(), work])
      assert.deepEqual(readdirSync(dirname(filename)), ['1.db'])
      assert.equal(await (await sqliteStorage({ filename })).countApps({}), 2)
    }))
})

describe('SQLite storage in a file: the file and its log', () => {
  const modeOf = (file: string): string => (statSync(file).mode & 0o777).toString(8)

  it('creates them for their owner alone, and leaves the mode of an existing file', async () => {
    await withFiles(async (nextFile) => {
      const [created, existing] = [nextFile(), nextFile()]
      writeFileSync(existing, '')
      chmodSync(existing, 0o640)
      const wanted = [
        [created, '600'],
        [existing, '640'],
      ] as const
      for (const [file, mode] of wanted) {
        const storage = await sqliteStorage({ filename: file })
        await storage.insertApp(newApp())
        const files = [file, `${file}-wal`, `${file}-shm`].filter((name) => existsSync(name))
        assert.deepEqual(
          files.map(modeOf),
          files.map(() => mode),
        )
        await storage.close()
      }
    })
  })

  it('refuses the log of an earlier file of the same name, and changes no byte of a restored backup', async () => {
    await withFiles(async (nextFile) => {
      const [original, backup, restored] = [nextFile(), nextFile(), nextFile()]
      const storage = await openFile(original, 'wal')
      await execute(original, `vacuum into '${backup}'`)
      await storage.insertApp(newApp())
      copyFileSync(`${original}-wal`, `${restored}-wal`)
      copyFileSync(backup, restored)
      await storage.close()
      await assert.rejects(sqliteStorage({ filename: restored }), unavailable(/belongs to another file/))
      assert.equal(hashOf(restored), hashOf(backup))
      rmSync(restored)
      await assert.rejects(
        sqliteStorage({ filename: restored }),
        unavailable(/is missing or empty, but its log/),
      )
      assert.equal(existsSync(restored), false)
    })
  })

  /** A link to a copy that a killed server left behind with its log. */
  async function linked(nextFile: () => string): Promise<{ link: string; file: string; log: string }> {
    const [original, file, link] = [nextFile(), nextFile(), nextFile()]
    const storage = await openFile(original, 'wal')
    await storage.insertApp(newApp())
    for (const end of ['', '-wal']) copyFileSync(`${original}${end}`, `${file}${end}`)
    await storage.close()
    symlinkSync(file, link)
    return { link, file, log: `${file}-wal` }
  }

  /** Puts a backup in the place of a database. */
  async function restore(file: string): Promise<void> {
    const copy = `${file}-copy`
    for (const end of ['', '-wal']) copyFileSync(`${file}${end}`, `${copy}${end}`)
    await execute(copy, `vacuum into '${copy}-backup'`)
    renameSync(`${copy}-backup`, file)
  }

  it('reads a linked file beside its log without changing either', async () => {
    await withFiles(async (nextFile) => {
      const { link, file, log } = await linked(nextFile)
      const killed = [hashOf(file), hashOf(log)]
      await readSqliteSnapshot(link, async () => {})
      assert.deepEqual(existsSync(log) && [hashOf(file), hashOf(log)], killed)
    })
  })

  it('refuses the log of an earlier file beside the file that a link leads to', async () => {
    await withFiles(async (nextFile) => {
      const { link, file } = await linked(nextFile)
      await restore(file)
      await assert.rejects(sqliteStorage({ filename: link }), unavailable(/belongs to another file/))
    })
  })

  it('opens a linked file beside a log that lies beside the link only, because SQLite never reads it', async () => {
    await withFiles(async (nextFile) => {
      const { link, file, log } = await linked(nextFile)
      await restore(file)
      renameSync(log, `${link}-wal`)
      await (await sqliteStorage({ filename: link })).close()
    })
  })
})
