import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
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

test('the dashboard: the first view takes at most 30 kB of script and style, and all of it 90 kB', () => {
  const first = sizeOf(code.filter(([name]) => name.startsWith('main-')))
  assert.ok(first > 10_000 && first <= 30_000, `first view: ${first} bytes`)
  const all = sizeOf(code)
  assert.ok(all <= 90_000, `all: ${all} bytes`)
})

test('the dashboard: what every view needs is in the first one, and the pages come later', async () => {
  const main = code.map(([name]) => name).filter((name) => /^main-.*\.js$/.test(name))
  assert.equal(main.length, 1)
  const text = await textOf(main[0]!)
  const loaded = [...text.matchAll(/import\(["'`]\.\/([\w.-]+)["'`]\)/g)].map(([, name = '']) => name)
  assert.ok(loaded.length >= 3, `${loaded.length} pages`)
  for (const name of loaded) assert.ok(Object.hasOwn(assets, name), name)
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
