import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { emptyFolder, heartwood, whenAllIsOver, type Ended } from './heartwood.ts'
import { seed, seededApp, seedEnvironment as env } from './seed.ts'

interface Found {
  readonly kind: string
  readonly app: string
  readonly id: string
  readonly label: string
}

let cwd: string
const disposer = whenAllIsOver(after)
before(async () => {
  cwd = emptyFolder(disposer)
  const storage = await sqliteStorage({ filename: join(cwd, 'heartwood.db') })
  await seed(storage, 3)
  await storage.close()
})

function run(args: readonly string[], input?: string): Promise<Ended> {
  return heartwood(args, { cwd, env, ...(input !== undefined && { input }) })
}

async function search(text: string, input?: string): Promise<readonly Found[]> {
  const { code, stdout, stderr } = await run(['search', text, '--json'], input)
  assert.deepEqual([code, stderr], [0, ''])
  return JSON.parse(stdout) as readonly Found[]
}

test('heartwood search: finds a customer in columns, as JSON, and by standard input', async () => {
  const created = await run([
    'customers',
    'create',
    'Grace@Example.com',
    '--name',
    'Grace Hopper',
    '--app',
    seededApp,
  ])
  assert.equal(created.code, 0, created.stderr)
  const [grace, ...others] = await search('grace h')
  assert.deepEqual(others, [])
  assert.deepEqual([grace?.kind, grace?.label], ['customer', 'Grace Hopper <Grace@Example.com>'])
  assert.deepEqual(await search('-', 'GRACE@example.com\n'), [grace])
  const { stdout } = await run(['search', grace!.id])
  assert.match(stdout, /^KIND +APP +ID +LABEL\ncustomer +\S+ +cus_\S+ +Grace Hopper <Grace@Example.com>\n$/)
  assert.deepEqual(await search('nobody'), [])
  const other = await run(['search', 'grace', '--mode', 'test', '--json'])
  assert.equal(other.stdout, '[]\n')
})

test('heartwood search: refuses a license key without repeating it', async () => {
  const { code, stdout, stderr } = await run(['search', '-'], 'ACME-7K3QM-8Z2VT-PX9CW-41HRD-YB6NE')
  assert.deepEqual([code, stdout], [1, ''])
  assert.match(stderr, /diagnose/)
  assert.doesNotMatch(stderr, /7K3QM/)
})

test('heartwood licenses list: filters by day, and sorts', async () => {
  const list = async (...args: readonly string[]): Promise<readonly { expires_at: string | null }[]> => {
    const { stdout, stderr } = await run(['licenses', 'list', '--app', seededApp, '--json', ...args])
    assert.equal(stderr, '')
    return JSON.parse(stdout) as readonly { expires_at: string | null }[]
  }
  const issued = ['licenses', 'create', '--app', seededApp, '--tier', 'pro', '--customer', 'end@example.com']
  for (const expires of ['2090-01-02T00:00:00Z', '2090-01-01T00:00:00Z', '2090-01-03T00:00:00Z'])
    await run([...issued, '--installation', crypto.randomUUID(), '--expires', expires])
  const within = ['--expires-after', '2090-01-01', '--expires-before', '2090-01-03']
  const ends = async (...args: readonly string[]) => (await list(...args)).map(({ expires_at }) => expires_at)
  assert.deepEqual(await ends(...within), ['2090-01-01T00:00:00Z', '2090-01-02T00:00:00Z'])
  assert.deepEqual(await ends(...within, '--sort=-expires_at'), [
    '2090-01-02T00:00:00Z',
    '2090-01-01T00:00:00Z',
  ])
  assert.deepEqual(await ends(...within, '--created-after', '2090-01-01'), [])
  assert.deepEqual(await ends(...within, '--seen-before', '2090-01-01'), [])
  const wrong = await run(['licenses', 'list', '--app', seededApp, '--sort', 'name'])
  assert.equal(wrong.code, 2)
})
