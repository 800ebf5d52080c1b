import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { emptyFolder, run } from './programs.ts'

const limit = 20_000
/** With the part that the client imports on demand. */
const wholeLimit = 23_250

/**
 * Bundles a client entry for browsers, without the imports that `apart` names. Resolves to the code and the names of its source
 * files.
 */
async function bundle(
  entry: string,
  apart: readonly string[] = [],
): Promise<{ readonly code: Buffer; readonly files: readonly string[] }> {
  const folder = emptyFolder()
  const [file, meta] = [join(folder, 'client.js'), join(folder, 'meta.json')]
  const options = ['--minify', '--target', 'browser', `--metafile=${meta}`, '--outfile', file]
  await run(['bun', 'build', entry, ...options, ...apart.map((name) => `--external=${name}`)])
  const { inputs } = JSON.parse(readFileSync(meta, 'utf8')) as {
    readonly inputs: Readonly<Record<string, unknown>>
  }
  return { code: readFileSync(file), files: Object.keys(inputs) }
}

test('heartwood/client: less than 20 kB gzipped for a browser', async (context) => {
  const { code, files } = await bundle('src/client/index.ts', ['*/on-demand.ts'])
  const size = gzipSync(code).length
  context.diagnostic(`${size} bytes gzipped, ${code.length} bytes minified`)
  assert.ok(size < limit, `${size} bytes`)
  assert.ok(!files.includes('src/client/key-chain.ts') && `${code}`.includes('on-demand'))
})

test('heartwood/client: less than 23.25 kB with what it imports on demand', async (context) => {
  const { code, files } = await bundle('src/client/index.ts')
  const size = gzipSync(code).length
  context.diagnostic(`${size} bytes gzipped, ${code.length} bytes minified`)
  assert.ok(size < wholeLimit, `${size} bytes`)
  assert.ok(files.includes('src/client/key-chain.ts'))
})

test('heartwood/client: the bundle has its own files, those it shares with core, and jose', async () => {
  const { files } = await bundle('src/client/index.ts')
  const shared = [
    'errors',
    'license-keys/text',
    'time',
    'token/decision',
    'token/jti',
    'token/pasted',
    'token/statement',
    'token/statement-limits',
    'token/token',
    'typeid',
  ].map((name) => `src/core/${name}.ts`)
  const others = files.filter(
    (file) =>
      !/^src\/client\/[a-z-]+\.ts$/.test(file) &&
      !shared.includes(file) &&
      !/node_modules\/jose\//.test(file),
  )
  assert.deepEqual(others, [])
  assert.ok(files.includes('src/client/client.ts') && !files.includes('src/client/file.ts'))
  assert.deepEqual(
    files.filter((file) => /machine|container/.test(file)),
    [],
  )
})

test('heartwood/client/machine: at most 2 kB gzipped, from five files of the client and one of core', async () => {
  const folder = emptyFolder()
  const [file, meta] = [join(folder, 'machine.js'), join(folder, 'meta.json')]
  const options = ['--minify', '--target', 'node', `--metafile=${meta}`, '--outfile', file]
  await run(['bun', 'build', 'src/client/machine.ts', ...options])
  const size = gzipSync(readFileSync(file)).length
  assert.ok(size <= 2_000, `${size} bytes`)
  const { inputs } = JSON.parse(readFileSync(meta, 'utf8')) as { readonly inputs: object }
  assert.deepEqual(
    Object.keys(inputs).toSorted(),
    ['container', 'local-machine', 'machine-id', 'machine', 'option-checks']
      .map((name) => `src/client/${name}.ts`)
      .concat('src/core/typeid.ts')
      .toSorted(),
  )
})

test('heartwood/client: the bundle is free of the names of the server, its packages and Node', async () => {
  const { code } = await bundle('src/client/index.ts')
  const text = `${code}`
  for (const name of [
    'node:',
    'kysely',
    'elysia',
    'typebox',
    'noble',
    'sealer',
    'PRIVATE KEY-----',
    'require(',
  ])
    assert.ok(!text.toLowerCase().includes(name.toLowerCase()), name)
})

/** Syntax and functions that came after Chrome 93, Firefox 92 and Safari 15.4, which docs/client.md names. */
const newerThanPromised: readonly RegExp[] = [
  /throwIfAborted/,
  /\(\?<[=!]/,
  /\bstatic\s*\{/,
  /\.(toSorted|toReversed|toSpliced|findLast|findLastIndex|isWellFormed|union|difference)\(/,
  /\b(structuredClone|withResolvers|groupBy|fromAsync)\(/,
  /Promise\.try\(/,
  /\bURL\.(canParse|parse)\b/,
  /\bAbortSignal\.(any|timeout)\b/,
]

test('heartwood/client: the bundle calls nothing that the oldest promised engines lack', async () => {
  const { code } = await bundle('src/client/index.ts')
  const found = newerThanPromised
    .map((name) => name.exec(`${code}`)?.[0])
    .filter((name) => name !== undefined)
  assert.deepEqual(found, [])
})

test('heartwood/client: a bundle of the built package stays under the same limit', async () => {
  const entry = join(emptyFolder(), 'page.js')
  writeFileSync(entry, `export * from ${JSON.stringify(join(process.cwd(), 'dist/client/index.js'))}`)
  assert.ok(statSync('dist/client/index.js').isFile())
  const { code } = await bundle(entry, ['*/on-demand.js'])
  assert.ok(gzipSync(code).length < limit)
})

test('heartwood/sdk: at most 6.5 kB gzipped for a browser, from its own files and five of core', async (context) => {
  const { code, files } = await bundle('src/sdk/index.ts')
  const size = gzipSync(code).length
  context.diagnostic(`${size} bytes gzipped, ${code.length} bytes minified`)
  assert.ok(size <= 6_500, `${size} bytes`)
  const ofCore = files.filter((file) => !file.startsWith('src/sdk/'))
  assert.deepEqual(
    ofCore.toSorted(),
    ['all-items', 'errors', 'input/options', 'time', 'wire'].map((name) => `src/core/${name}.ts`),
  )
})

test('npm package: the files of each page lie in it once, and the command line has them too', async () => {
  const folder = 'dist/adapters/generated'
  const pages = readdirSync(folder).filter((name) => name.endsWith('.js'))
  assert.deepEqual(pages.toSorted(), ['dashboard.js', 'openapi.js', 'swagger-ui.js'])
  const scripts = readdirSync('dist', { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.js'),
  )
  const code = scripts.map((name) => readFileSync(join('dist', name), 'utf8'))
  for (const page of pages) {
    const [, content = ''] = /gzip: '([^']{2000})/.exec(readFileSync(join(folder, page), 'utf8')) ?? []
    assert.equal(content.length, 2_000)
    assert.equal(code.filter((text) => text.includes(content)).length, 1, page)
    const chunk = scripts.find((name) => name.startsWith(`cli/${page.replace('.js', '-')}`))!
    const { assets } = (await import(`../../dist/${chunk}`)) as { readonly assets: object }
    assert.ok(Object.keys(assets).length > 0)
  }
})
