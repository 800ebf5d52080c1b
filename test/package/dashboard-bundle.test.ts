import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { assets } from '../../src/adapters/generated/dashboard.ts'
import { unpack } from '../../src/adapters/assets/asset.ts'

const code = Object.entries(assets).filter(([name]) => /\.(js|css)$/.test(name))

/** The bytes that a browser receives. */
function sizeOf(files: typeof code): number {
  return files.reduce((sum, [, { gzip }]) => sum + Buffer.from(gzip, 'base64').length, 0)
}

async function textOf(name: string): Promise<string> {
  return new TextDecoder().decode(await unpack(assets[name]!))
}

/** docs/decisions/dashboard-size.md has the reason for this bound. */
const most = 120_000

test('the dashboard: the first view takes at most 30 kB of script and style, and all of it 120 kB', () => {
  const first = sizeOf(code.filter(([name]) => name.startsWith('main-')))
  assert.ok(first > 10_000 && first <= 30_000, `first view: ${first} bytes`)
  const all = sizeOf(code)
  assert.ok(all <= most, `all: ${all} bytes`)
})

test('the dashboard: each file of styles is in it', () => {
  const sources = readdirSync('dashboard', { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(tsx?|css)$/.test(name) && !name.endsWith('.d.ts'))
    .map((name) => readFileSync(`dashboard/${name}`, 'utf8'))
    .join('\n')
  const styles = readdirSync('dashboard/style').filter((name) => name !== 'main.css')
  assert.ok(styles.length > 10)
  assert.deepEqual(
    styles.filter((name) => !sources.includes(`/${name}' with`) && !sources.includes(`'./${name}'`)),
    [],
  )
})

async function loadedBy(name: string): Promise<readonly string[]> {
  const text = await textOf(name)
  return [...text.matchAll(/import\(["'`]\.\/([\w.-]+)["'`]\)/g)].map(([, loaded = '']) => loaded)
}

test('the dashboard: the first view loads the pages later, and they load the client of programs later still', async () => {
  const scripts = code.map(([name]) => name).filter((name) => name.endsWith('.js'))
  const [main = '', ...others] = scripts.filter((name) => name.startsWith('main-'))
  assert.deepEqual(others, [])
  const [pages = '', ...more] = new Set(await loadedBy(main))
  assert.deepEqual(more, [])
  const [client = '', ...rest] = new Set(await loadedBy(pages))
  assert.deepEqual(rest, [])
  assert.deepEqual([main, pages, client].toSorted(), scripts.toSorted())
  // The errors of jose come with the client alone.
  assert.equal((await textOf(client)).includes('ERR_JWS_INVALID'), true)
  for (const name of [main, pages]) assert.equal((await textOf(name)).includes('ERR_JWS'), false, name)
})

test('the dashboard: names no other origin, and makes no code of text', async () => {
  for (const [name] of code) {
    const text = await textOf(name)
    const origins = [...text.matchAll(/https?:\/\/[\w.-]+/g)].map(([address]) => address)
    // The name space of SVG, an address in an error of the remote client and one of an example are no requests.
    const known = ['http://www.w3.org', 'https://licenses.example.com', 'https://shop.example.com']
    assert.deepEqual(
      origins.filter((origin) => !known.includes(origin)),
      [],
      name,
    )
    assert.equal(
      /\beval\(|new Function\(|dangerouslySetInnerHTML\s*[:=]\s*\{|document\.write/.test(text),
      false,
      name,
    )
    assert.equal(/url\(["']?(?:data:|https?:)/.test(text), false, name)
  }
})

test('the dashboard: every package of which it has code or fonts has its licence beside it', async () => {
  const text = await textOf('LICENSES.txt')
  const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    devDependencies: Record<string, string>
  }
  const used = Object.keys(devDependencies).filter((name) => /preact|fontsource/.test(name))
  assert.ok(used.length >= 4)
  for (const name of [...used, 'jose', 'lucide']) assert.ok(text.includes(name), name)
  assert.match(text, /SIL OPEN FONT LICENSE/i)
})
