import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { after, before, describe, test } from 'node:test'
import { blocksOf, textOf, type Block } from '../documents/markdown.ts'
import { lacking } from '../support/left-out.ts'
import { openPage, type OpenPage } from './pasted-page.ts'
import { emptyFolder, freePort } from './programs.ts'
import { startRegistry, type Registry } from './local-registry.ts'

const text = textOf('README.md')
const blocks = blocksOf('README.md')
const runtimes = ['Node 24', 'Bun', 'Deno'] as const
type Name = (typeof runtimes)[number]

/** The three commands of a runtime, from the section on installing. */
function commandsOf(name: Name): readonly [install: string, run: string, command: string] {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`- **${name}**: `)) ?? ''
  const [install = '', run = '', command = ''] = [...line.matchAll(/`([^`]+)`/g)].map(
    ([, code]) => code ?? '',
  )
  return [install, run.replace(/ sell\.ts$/, ''), command]
}

/** Replaces the commands of Node in a block by those of another runtime. */
function withCommandsOf(name: Name, code: string): string {
  const [install, run, command] = commandsOf(name)
  const [nodeInstall, nodeRun, nodeCommand] = commandsOf('Node 24')
  return code
    .replaceAll(nodeInstall, install)
    .replaceAll(nodeCommand, command)
    .replaceAll(new RegExp(`\\b${nodeRun} (?=\\w+\\.ts)`, 'g'), `${run} `)
}

function section(name: 'Quick start' | 'A. ' | 'B. ' | 'C. '): readonly Block[] {
  const found = blocks.filter(({ heading }) => heading.startsWith(name))
  assert.notEqual(found.length, 0)
  return found
}

/** The command that sells a license key after part A, from the section on programs. */
const saleAfterA = /`(LICENSE_KEY=\$\(node sell\.ts\))`/.exec(text)?.[1] ?? ''

const licenseKey = /^[0-9A-Z]{5}(-[0-9A-Z]{5}){4}\n$/

const skip = lacking('README.md, pasted into an empty folder', ['bash', 'curl', 'tar'])

let registry: Registry

before(async () => {
  registry = await startRegistry()
})

after(() => registry.close())

for (const name of runtimes)
  describe(`README.md, pasted into an empty folder on ${name}`, { skip }, () => {
    let page: OpenPage
    let began = 0

    const paste = async (block: Block, code = block.code): Promise<string> =>
      (await page.paste({ ...block, code: withCommandsOf(name, code) })).stdout

    async function open(): Promise<void> {
      page = openPage({ folder: emptyFolder(), port: await freePort(), env: registry.env })
      for (const block of section('Quick start')) await paste(block)
    }

    before(() => {
      began = Date.now()
    })

    after(async () => {
      await page.close()
      console.log(`README.md on ${name}: A, B and C in ${Math.round((Date.now() - began) / 1000)} s`)
    })

    test('part A: the program sells a license key at every start', async () => {
      await open()
      for (const block of section('A. ')) {
        const stdout = await paste(block)
        if (block.code === 'node sell.ts\n') {
          assert.match(stdout, licenseKey)
          assert.match(await paste(block), licenseKey)
          assert.notEqual(await paste(block), stdout)
        }
      }
      assert.equal(await (await fetch(page.url)).text(), 'My shop')
    })

    test('part C after A: the program takes its license key and then runs without a server', async () => {
      const program = section('C. ')
      const issue = program.findLast(({ language }) => language === 'sh')!
      for (const block of program.slice(0, -2)) await paste(block)
      const afterA = issue.code.replace(/LICENSE_KEY=.*/, saleAfterA)
      assert.notEqual(afterA, issue.code)
      assert.match(await paste(issue, afterA), /^active The license is active\nThe API is licensed\n/)
      await page.stopServers()
      assert.match(await paste(issue, 'node app.ts\n'), /^active/)
    })

    test('part C after B: the server verifies a license key, and the program takes it', async () => {
      await page.close()
      await open()
      for (const block of section('B. ')) {
        const stdout = await paste(block)
        if (block.code.includes('verify'))
          assert.match(stdout.trimEnd().split('\n').at(-1)!, /^\{"data":\{"valid":true/)
      }
      for (const block of section('C. ')) await paste(block)
    })

    test('part C pasted again: the program takes the other license key, and stays licensed', async () => {
      const sell = section('C. ').findLast(({ language }) => language === 'sh')!
      assert.match(await paste(sell), /^active .*\nThe API is licensed\nactive .*\nThe API is licensed\n$/)
    })

    test('all parts: take less than five minutes', () => {
      assert.ok(Date.now() - began < 300_000)
    })
  })

test('README.md: every block is in a pasted part, or has a mark', () => {
  const pasted = /^(Quick start$|[ABC]\. )/
  assert.deepEqual(
    blocks.filter(({ heading, marker }) => !pasted.test(heading) && !/^not run: |in a clone$/.test(marker)),
    [],
  )
})

test('README.md: at most 9 kB', () => {
  assert.ok(Buffer.byteLength(text) <= 9000, `${Buffer.byteLength(text)} bytes`)
})
