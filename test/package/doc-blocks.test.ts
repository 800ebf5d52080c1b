import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startDelivery } from '../../src/webhooks/index.ts'
import { blocksOf, pages, type Block } from '../documents/markdown.ts'
import { openTestDatabase, type TestDatabase } from '../storage/postgres-database.ts'
import { newShop } from '../support/fixtures.ts'
import { eventually, recorder, somewhere } from '../webhooks/receivers.ts'
import { lacking } from '../support/left-out.ts'
import { fileOf, openPage, type OpenPage } from './pasted-page.ts'
import { freePort } from './programs.ts'
import { checkTypes, freshClone, install, readersFolder } from './reader-folder.ts'
import { startRegistry, type Registry } from './local-registry.ts'

const documents = pages().filter((page) => page.startsWith('docs/') && blocksOf(page).length > 0)
const exampleAddress = 'postgres://user:password@host/name'

/** Blocks that this test cannot run, each with its reason. A comment in the page states it, or this machine lacks something. */
const notRun = new Map<Block, string>()

const skip = lacking('the blocks of the pages', ['bash', 'curl', 'tar', 'timeout'])

let registry: Registry
let project: string
/** Tells if this machine has PostgreSQL. Each page that needs it gets a database of its own. */
let hasPostgres = false

before(async () => {
  if (skip !== false) return
  registry = await startRegistry()
  project = await install(registry.env)
  const database = await openTestDatabase()
  hasPostgres = database !== undefined
  await database?.drop()
})

after(() => registry?.close())

const needsPostgres = ({ code }: Block): boolean =>
  code.includes(exampleAddress) || code.includes('DATABASE_URL')

/** The test that runs a block in another way, if the page names one. */
function otherTestOf({ marker }: Block): string | undefined {
  return /^compared: (test\/\S+\.test\.ts) /.exec(marker)?.[1]
}

/** True for a block that can run here. For one that nobody runs it records the reason. */
function isRunnable(block: Block): boolean {
  const { marker } = block
  const reason = marker.startsWith('not run: ') ? marker.slice('not run: '.length) : undefined
  const lack = needsPostgres(block) && !hasPostgres ? 'no PostgreSQL on this machine' : undefined
  if (reason !== undefined || lack !== undefined) notRun.set(block, (reason ?? lack)!)
  return reason === undefined && lack === undefined && otherTestOf(block) === undefined
}

/** The output that a program states in comments behind `console.log`. */
function statedOutput(code: string): readonly string[] {
  return [...code.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(([, text]) => text ?? '')
}

const isForDeno = ({ code }: Block): boolean => code.includes("'jsr:")

async function runProgram(block: Block, page: OpenPage): Promise<void> {
  await page.paste(block)
  if (fileOf(block) !== undefined) return
  const start = isForDeno(block) ? 'deno run --allow-all --check' : 'node'
  const code = `timeout 60 ${start} line-${block.line}.ts\n`
  const { stdout } = await page.paste({ ...block, language: 'sh', code })
  const stated = statedOutput(block.code)
  if (stated.length > 0) assert.deepEqual(stdout.trimEnd().split('\n'), stated)
}

async function runBlock(block: Block, page: OpenPage, databaseUrl: string): Promise<void> {
  const code = block.code.replaceAll(exampleAddress, databaseUrl)
  // A page tells its reader to end one server before the next.
  if (block.marker === 'keeps running') await page.stopServers()
  if (block.language === 'ts') await runProgram(block, page)
  else await page.paste({ ...block, code })
}

/** True for a block that the reader pastes, and for one that shows output. */
const isPasted = ({ page, language }: Block): boolean =>
  ['sh', 'ts', 'text'].includes(language) || (language === 'json' && page !== 'docs/webhooks.md')

async function runPage(document: string): Promise<void> {
  const startsFromNothing = blocksOf(document)[0]?.marker === 'keeps running'
  const folder = await readersFolder(project, !startsFromNothing)
  const inClone = (block: Block): boolean => block.marker.endsWith('in a clone')
  const blocks = blocksOf(document).filter((block) => isPasted(block) && !inClone(block) && isRunnable(block))
  const database: TestDatabase | undefined = blocks.some(needsPostgres) ? await openTestDatabase() : undefined
  const env = {
    ...registry.env,
    PATH: `${join(folder, 'node_modules/.bin')}:${process.env['PATH']}`,
    DATABASE_URL: database?.url ?? '',
  }
  const page = openPage({ folder, port: await freePort(), env })
  try {
    for (const block of blocks) await runBlock(block, page, database?.url ?? '')
    const programs = blocks.filter((block) => block.language === 'ts' && !isForDeno(block))
    await checkTypes(
      folder,
      programs.map((block) => fileOf(block) ?? `line-${block.line}.ts`),
    )
  } finally {
    await page.close()
    await database?.drop()
  }
}

describe('docs, in a folder with the package installed', { skip }, () => {
  for (const document of documents)
    test(`${document}: its blocks run in order, and their output is as shown`, () => runPage(document))
})

test('README.md: its programs have no type errors', { skip }, async () => {
  const folder = await readersFolder(project)
  const programs = blocksOf('README.md').filter(({ language }) => language === 'ts')
  const files = programs.map((block) => fileOf(block)!)
  programs.forEach(({ code }, index) => writeFileSync(join(folder, files[index]!), code))
  await checkTypes(folder, files)
  writeFileSync(
    join(folder, 'wrong.ts'),
    "import { licensing } from './licensing.ts'\nlicensing.apps.create()\n",
  )
  await assert.rejects(checkTypes(folder, ['wrong.ts']), /wrong\.ts/)
})

describe('docs, in a clone without an install', { skip }, () => {
  const blocks = ['README.md', ...documents]
    .flatMap((page) => blocksOf(page))
    .filter(({ marker }) => marker === 'keeps running, in a clone')
  for (const { code } of new Map(blocks.map((block) => [block.code, block])).values())
    test(`${code.trim()}: starts the server`, async () => {
      const folder = await freshClone()
      const page = openPage({ folder, port: await freePort(), env: {} })
      try {
        await page.paste({ ...blocks[0]!, code })
        assert.ok(existsSync(join(folder, 'heartwood.db')))
      } finally {
        await page.close()
      }
    })
})

const shapeOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).map(([name, inner]) => [name, shapeOf(inner)])
    : typeof value

test('docs/webhooks.md: shows an event as Heartwood sends it', async () => {
  const [sample] = blocksOf('docs/webhooks.md').filter(({ language }) => language === 'json')
  const { licensing, app, issue } = await newShop()
  const { id } = await issue()
  await licensing.apps.update(app.slug, { webhookUrl: 'https://example.com/hook' })
  const { sent, connect } = recorder()
  const delivery = startDelivery(licensing, { connect, resolve: somewhere, pollMs: 10 })
  await licensing.licenses.revoke(app.slug, id)
  await eventually(() => sent.length === 1)
  await delivery.stop()
  assert.deepEqual(shapeOf(JSON.parse(sample!.code)), shapeOf(JSON.parse(sent[0]!.body)))
})

test('README.md and docs: every block runs, is compared, or states the reason why not', () => {
  const all = ['README.md', ...documents].flatMap((page) => blocksOf(page))
  for (const block of all) isRunnable(block)
  const hasNoReason = (block: Block): boolean =>
    !isPasted(block) &&
    !notRun.has(block) &&
    otherTestOf(block) === undefined &&
    block.page !== 'docs/webhooks.md'
  assert.deepEqual(all.filter(hasNoReason), [])
  const reasons = all.filter((block) => notRun.has(block))
  const elsewhere = all.filter((block) => otherTestOf(block) !== undefined)
  console.log(
    `${all.length} blocks, ${elsewhere.length} of them in a test of their own, ${reasons.length} not run:`,
  )
  for (const block of reasons) console.log(`  ${block.page}:${block.line}: ${notRun.get(block)}`)
})

test('README.md and docs: the test that a block names reads its page', () => {
  const blocks = documents
    .flatMap((page) => blocksOf(page))
    .filter((block) => otherTestOf(block) !== undefined)
  assert.notEqual(blocks.length, 0)
  const isRead = (block: Block): boolean => {
    const file = otherTestOf(block)!
    return existsSync(file) && readFileSync(file, 'utf8').includes(`'${block.page}'`)
  }
  assert.deepEqual(
    blocks.filter((block) => !isRead(block)),
    [],
  )
})
