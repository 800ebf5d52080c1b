import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import process from 'node:process'
import { describe, it } from 'node:test'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Storage } from '../../src/core/index.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { addLicense, addParents } from '../../src/testing/storage-cases/records.ts'
import { leaveOut } from '../support/left-out.ts'
import { inTemporaryFolder, withFiles } from './temporary-folder.ts'
import { unavailable } from './unavailable.ts'

/** The command with which this runtime runs a script. */
const runtime = [
  process.execPath,
  ...('Deno' in globalThis ? ['run', '-A', '--no-check', '--no-lock'] : []),
] as const

const scriptOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** Creates and closes a database with 300 licenses. */
async function filled(filename: string): Promise<string> {
  const storage = await sqliteStorage({ filename })
  const parents = await addParents(storage)
  await storage.transaction(async (tx) => {
    for (let made = 0; made < 300; made++) await addLicense(tx as Storage, parents)
  })
  await storage.close()
  return filename
}

/** Reads everything. */
async function readAll(filename: string): Promise<void> {
  const storage = await sqliteStorage({ filename })
  try {
    for (const app of await storage.listApps({}, { limit: 10 })) {
      await storage.listCustomers({ appId: app.id }, { limit: 1000 })
      await storage.listTiers(app.id, { limit: 1000 })
      await storage.listLicenses({ appId: app.id, now: 0 }, { limit: 1000 })
    }
  } finally {
    await storage.close()
  }
}

describe('SQLite storage: a read-only file', () => {
  it('sqliteStorage(): refuses to open it', () =>
    withFiles(async (nextFile) => {
      const filename = await filled(nextFile())
      chmodSync(dirname(filename), 0o755)
      chmodSync(filename, 0o444)
      const [program, ...flags] = runtime
      const said = execFileSync(program, [...flags, scriptOf('open-unprivileged.ts'), filename])
      assert.match(`${said}`, /^unavailable: The database file (is read-only|cannot be opened)/)
    }))

  it('sqliteStorage(): says that a file beside its log cannot be opened, and not that it is missing', () =>
    withFiles(async (nextFile) => {
      const filename = await filled(nextFile())
      writeFileSync(`${filename}-wal`, 'a log')
      chmodSync(dirname(filename), 0o755)
      chmodSync(filename, 0)
      const [program, ...flags] = runtime
      const said = execFileSync(program, [...flags, scriptOf('open-unprivileged.ts'), filename])
      assert.match(`${said}`, /^unavailable: The database file cannot be opened/)
    }))
})

describe('SQLite storage: a damaged file', () => {
  it('opening or reading fails, wherever the file is cut off', () =>
    withFiles(async (nextFile) => {
      const bytes = readFileSync(await filled(nextFile()))
      for (let part = 1; part < 8; part++) {
        const filename = nextFile()
        writeFileSync(filename, bytes)
        truncateSync(filename, Math.floor((bytes.length * part) / 8))
        await assert.rejects(readAll(filename), unavailable(/damaged|not an SQLite database/))
      }
    }))

  it('opening or reading fails, if its pages are overwritten', () =>
    withFiles(async (nextFile) => {
      const filename = await filled(nextFile())
      const bytes = readFileSync(filename)
      writeFileSync(filename, bytes.fill(0xa5, 8192))
      await assert.rejects(readAll(filename), unavailable(/damaged/))
      assert.equal(statSync(filename).size, bytes.length)
    }))
})

/**
 * Commands that run another command with a small disk. The first two mount a file system on the folder named `$0`, as root
 * or in a user namespace. The last one limits the size of files, and `prlimit` lifts the limit later.
 */
const smallDisks: readonly { readonly command: readonly string[]; readonly lift?: (pid: number) => void }[] =
  [
    { command: ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs -o size=2m tmpfs "$0" && exec "$@"'] },
    {
      command: ['unshare', '--map-root-user', '--mount'].concat([
        ...['sh', '-c', 'mount -t tmpfs -o size=2m tmpfs "$0" && exec "$@"'],
      ]),
    },
    {
      command: [
        'sh',
        '-c',
        'command -v prlimit >/dev/null || exit 1; trap "" XFSZ; ulimit -S -f 2048; exec "$@"',
      ],
      lift: (pid) => void spawnSync('prlimit', [`--pid=${pid}`, '--fsize=unlimited']),
    },
  ]

describe('SQLite storage: a full disk', () => {
  it('writes are refused, nothing else is lost, and writes succeed again once there is room', (t) =>
    inTemporaryFolder(async (folder) => {
      const works = ({ command: [program = '', ...args] }: (typeof smallDisks)[number]): boolean =>
        spawnSync(program, [...args, folder, 'true']).status === 0
      const smallDisk = smallDisks.find(works)
      if (smallDisk === undefined)
        return t.skip(leaveOut('a full disk', 'no unshare and no prlimit on the PATH'))
      const { command, lift } = smallDisk
      if (lift !== undefined) console.error('No file system may be mounted here: limiting the size of files')
      const [program = '', ...args] = [...command, folder, ...runtime, scriptOf('fill-disk.ts'), folder]
      const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
      const status = new Promise((resolve) => child.once('exit', resolve))
      const said: string[] = []
      for await (const line of createInterface({ input: child.stdout })) {
        said.push(line)
        if (line !== 'full') continue
        lift?.(child.pid!)
        child.stdin.end('go on\n')
      }
      assert.equal(await status, 0)
      assert.match(said.join(), /^full,\d\d+ stored$/)
    }))
})
