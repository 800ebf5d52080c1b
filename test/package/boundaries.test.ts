import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path/posix'
import { test } from 'node:test'
import manifest from '../../package.json' with { type: 'json' }
import { identifiersOf, importsOf, packageOf, sourceFiles, type Import } from './imports.ts'

const corePackages = ['jose', 'typeid-js', '@sinclair/typebox']
const clientsCore = [
  ...sourceFiles('src/core/token'),
  'src/core/errors.ts',
  'src/core/license-keys/text.ts',
  'src/core/time.ts',
  'src/core/typeid.ts',
]
/** The files of core that are in the bundle of the remote client. They import nothing but types. */
const sdksCore = ['all-items', 'errors', 'input/options', 'time', 'wire'].map((name) => `src/core/${name}.ts`)
const sqliteModules = ['bun:sqlite', 'node:sqlite']

/** The rooms of core, floor by floor. A room imports itself and the floors below it. */
const coreFloors: readonly (readonly string[])[] = [
  ['typeid.ts'],
  ['errors.ts', 'ids.ts', 'limits.ts', 'scopes.ts', 'time.ts', 'wire.ts'],
  ['retry.ts', 'eventual.ts'],
  ['input', 'token'],
  ['storage'],
  ['principal.ts'],
  ['actor.ts'],
  ['runtime', 'paging.ts'],
  ['load.ts', 'all-items.ts'],
  ['context.ts'],
  ['acts'],
  ['lookup.ts', 'transaction.ts', 'work-unit.ts'],
  ['record-update.ts'],
  ['keys', 'api-keys', 'features.ts', 'audit', 'outcomes.ts', 'statistics'],
  ['webhooks', 'deletions.ts', 'audit-chain', 'sessions'],
  ['app-changes.ts'],
  ['licenses', 'apps.ts', 'tiers.ts', 'customers.ts'],
  ['license-keys'],
  ['secret-text.ts'],
  ['idempotency.ts', 'ensure.ts', 'search.ts', 'diagnosis'],
  ['rekey.ts', 'restricted.ts', 'options.ts'],
  ['licensing.ts'],
  ['index.ts'],
]

const within = (folder: string, found: Import): boolean => found.target.startsWith(`src/${folder}/`)
const ofPackage = (names: readonly string[], found: Import): boolean =>
  !found.relative && names.includes(packageOf(found.target))

/** The imports that each folder of src may have beside its own files. A folder without a rule fails. */
const allowedImports: Readonly<Record<string, (found: Import) => boolean>> = {
  core: (found) => ofPackage(corePackages, found) || isNodeCrypto(found),
  storage: (found) =>
    within('core', found) ||
    ofPackage(['kysely'], found) ||
    ([...sqliteModules, 'postgres'].includes(found.target) && found.kind !== 'static') ||
    isLogCheck(found) ||
    isFileCheck(found) ||
    isConnection(found),
  adapters: (found) => within('core', found) || isOtherPackage(found),
  webhooks: (found) => within('core', found) || isOtherPackage(found),
  client: (found) =>
    clientsCore.includes(found.target) ||
    ofPackage(['jose'], found) ||
    (found.target === 'src/adapters/http/wire.ts' && found.kind === 'type') ||
    (found.file === 'src/client/file.ts' && /^node:(fs\/promises|path)$/.test(found.target)) ||
    (found.file === 'src/client/local-machine.ts' &&
      /^node:(child_process|fs\/promises|process)$/.test(found.target)),
  sdk: (found) =>
    sdksCore.includes(found.target) ||
    (found.kind === 'type' && (within('core', found) || found.target === 'src/adapters/http/errors.ts')),
  testing: (found) =>
    within('core', found) || /^node:assert(\/strict)?$/.test(found.target) || isTestServer(found),
  cli: () => true,
}

/**
 * Core takes key generation from Node alone, because Web Crypto on Bun stops the event loop while it searches primes. It takes
 * short work from there too, because Web Crypto would take a promise and a thread for it.
 */
function isNodeCrypto({ file, target, names }: Import): boolean {
  const taken: Readonly<Record<string, readonly string[]>> = {
    'src/core/keys/signing-keys.ts': ['generateKeyPair'],
    'src/core/runtime/crypto.ts': [
      'createCipheriv',
      'createDecipheriv',
      'createHmac',
      'createPublicKey',
      'createSecretKey',
      'hash',
      'hkdfSync',
      'verify',
      'KeyObject',
    ],
  }
  return target === 'node:crypto' && names.every((name) => taken[file]?.includes(name) === true)
}

/** A snapshot looks for SQLite's log beside the file before it opens the file. */
function isLogCheck({ file, target, names }: Import): boolean {
  return file === 'src/storage/sqlite/snapshot.ts' && target === 'node:fs' && `${names}` === 'existsSync'
}

/** The database file gets its mode, and its log is checked, before SQLite opens it. */
function isFileCheck({ file, target, names }: Import): boolean {
  const taken: Readonly<Record<string, readonly string[]>> = {
    'node:fs': ['realpathSync', 'statSync'],
    'node:fs/promises': ['open'],
  }
  return (
    file === 'src/storage/sqlite/disk-file.ts' &&
    names.every((name) => taken[target]?.includes(name) === true)
  )
}

/** A connection to PostgreSQL reads certificates, and opens the sockets of an address with several hosts. */
function isConnection({ file, target }: Import): boolean {
  return /^src\/storage\/postgres\/(tls|dial)\.ts$/.test(file) && /^node:(fs|net|tls)$/.test(target)
}

/** The test server for program authors is the real server on the memory storage. */
function isTestServer({ file, target }: Import): boolean {
  const parts = ['src/adapters/elysia.ts', 'src/storage/memory.ts']
  return file === 'src/testing/server.ts' && parts.includes(target)
}

/** True for a package other than a database driver. Adapters and webhooks reach records through core. */
function isOtherPackage(found: Import): boolean {
  return !found.relative && !ofPackage(['kysely', 'postgres'], found) && !sqliteModules.includes(found.target)
}

function forbiddenImports(
  files: readonly string[],
  isAllowed: (found: Import) => boolean,
): readonly string[] {
  const forbidden = files.flatMap((file) => importsOf(file)).filter((found) => !isAllowed(found))
  return forbidden.map(({ file, target, kind, names }) => `${file} imports ${names} of ${target} (${kind})`)
}

/** The files, and every file that they import directly or through others. */
function reachableFiles(
  files: readonly string[],
  follows: (found: Import) => boolean = () => true,
): readonly string[] {
  const reached = new Set(files)
  for (const file of reached)
    for (const found of importsOf(file)) if (found.relative && follows(found)) reached.add(found.target)
  return [...reached]
}

for (const [folder, isAllowed] of Object.entries(allowedImports)) {
  test(`src/${folder}: imports only its own files and what its rule allows`, () => {
    const files = sourceFiles(`src/${folder}`)
    assert.deepEqual(
      forbiddenImports(files, (found) => within(folder, found) || isAllowed(found)),
      [],
    )
  })
}

/** The folder or file of core that a path lies in. */
function roomOf(path: string): string {
  return path.replace('src/core/', '').split('/')[0] ?? ''
}

function floorOf(path: string): number {
  return coreFloors.findIndex((rooms) => rooms.includes(roomOf(path)))
}

test('src/core: a room imports itself and the floors below it', () => {
  const files = sourceFiles('src/core')
  assert.deepEqual(
    files.filter((file) => floorOf(file) === -1),
    [],
  )
  const isUpward = (found: Import): boolean =>
    found.relative &&
    roomOf(found.file) !== roomOf(found.target) &&
    floorOf(found.target) >= floorOf(found.file)
  assert.deepEqual(
    forbiddenImports(files, (found) => !isUpward(found)),
    [],
  )
})

test('src: every folder has a rule, and every file is in a folder', () => {
  assert.deepEqual(
    readdirSync('src').filter((name) => !(name in allowedImports)),
    [],
  )
})

test('src/client: the files that it takes from core import jose and no other package', () => {
  assert.deepEqual(
    forbiddenImports(
      reachableFiles(clientsCore),
      (found) => within('core', found) || found.target === 'jose',
    ),
    [],
  )
})

test('src/sdk: the files that it takes from core import types alone', () => {
  assert.deepEqual(
    forbiddenImports(sdksCore, ({ kind }) => kind === 'type'),
    [],
  )
})

test('licensingServer(): loads prom-client only for metrics', () => {
  const loaded = reachableFiles(['src/adapters/elysia.ts'], ({ kind }) => kind === 'static')
  assert.ok(loaded.includes('src/adapters/metrics/metrics.ts'))
  const importers = loaded.filter((file) =>
    importsOf(file).some((found) => found.kind === 'static' && ofPackage(['prom-client'], found)),
  )
  assert.deepEqual(importers, [])
})

test('createHandler() and toNodeHandler(): load no web framework', () => {
  const loaded = reachableFiles(
    ['src/adapters/http.ts', 'src/adapters/node.ts'],
    ({ kind }) => kind !== 'type',
  )
  assert.ok(loaded.includes('src/adapters/routes/index.ts'))
  assert.deepEqual(
    loaded.filter((file) =>
      importsOf(file).some((found) => found.kind !== 'type' && ofPackage(['elysia'], found)),
    ),
    [],
  )
})

test('src/core: names no runtime, except where the cost of a signature decides', () => {
  const runtimes = ['process', 'Bun', 'Deno', 'Buffer']
  const named = sourceFiles('src/core').filter((file) => {
    const text = readFileSync(file, 'utf8')
    const names = identifiersOf(text)
    return runtimes.some((runtime) => names.has(runtime) || text.includes(`'${runtime}'`))
  })
  // Deno alone checks a signature so slowly that the event loop must not wait for it.
  assert.deepEqual(named, ['src/core/runtime/crypto.ts'])
})

test('src/cli: no other folder and no example imports it', () => {
  const others = ['src', 'examples'].flatMap(sourceFiles).filter((file) => !file.startsWith('src/cli/'))
  assert.deepEqual(
    forbiddenImports(others, (found) => !within('cli', found)),
    [],
  )
})

test('examples: import Heartwood only by its public subpaths', () => {
  const subpaths = Object.keys(manifest.exports).map((subpath) => subpath.replace('.', 'heartwood'))
  assert.deepEqual(
    forbiddenImports(sourceFiles('examples'), ({ target, relative }) => {
      if (packageOf(target) === 'heartwood') return subpaths.includes(target)
      return !relative
    }),
    [],
  )
})

test('package.json: src imports every dependency and peer, and no other package', () => {
  const imported = sourceFiles('src').flatMap((file) => importsOf(file).filter((found) => !found.relative))
  const packages = imported
    .map(({ target }) => packageOf(target))
    .filter((name) => !/^(node|bun):/.test(name))
  const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
  assert.deepEqual([...new Set(packages)].toSorted(), declared.toSorted())
})

test('file names: lower case with hyphens, and no vague words', () => {
  const named = ['src', 'test', 'examples', 'scripts', 'bench']
    .flatMap(sourceFiles)
    .filter((file) => !file.startsWith('test/vectors/'))
    .map((file) => basename(file))
  const vague = /^(utils?|helpers?|shared|common|misc|types)\b/
  const wrong = named.filter(
    (name) => vague.test(name) || !/^[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.ts$/.test(name),
  )
  assert.deepEqual(wrong, [])
})

test('importsOf(): finds every kind of import', () => {
  const source = `
    /** import { commented } from 'out' */
    import one, { two as second } from './one.ts'
    import type { Two } from 'two/deep.js'
    import * as all from 'three'
    import 'four'
    export { five } from '../five.ts'
    export * from './six.ts'
    const seven: typeof import('seven') = await import('eight')
    await import('ni' + 'ne')`
  const seen = importsOf('src/core/sample.ts', source).map(
    ({ target, kind, names }) => `${target} ${kind} ${names}`,
  )
  assert.deepEqual(seen.toSorted(), [
    '(a computed name) dynamic *',
    'eight dynamic *',
    'four static ',
    'seven type *',
    'src/core/one.ts static default,two',
    'src/core/six.ts static *',
    'src/five.ts static five',
    'three static *',
    'two/deep.js type Two',
  ])
})
