import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { runCommand } from '../../src/cli/commands/index.ts'
import { diagnosisToWire } from '../../src/adapters/routes/diagnosis.ts'
import type { Diagnosis } from '../../src/core/index.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { fromWire } from '../../src/sdk/wire.ts'
import { cases } from '../core/diagnosis/cases.ts'
import { newDesk, type Desk } from '../core/diagnosis/desk.ts'
import { judge } from '../core/diagnosis/judge.ts'
import { masterKey, newWorld, start } from '../support/fixtures.ts'
import { emptyFolder, heartwood, whenAllIsOver } from './heartwood.ts'

interface Said {
  readonly code: number
  readonly text: string
  readonly colours: readonly string[]
}

function fromJson(text: string): Diagnosis {
  const { checks, ...rest } = JSON.parse(text) as { checks: Record<string, unknown>[] }
  return { ...fromWire(rest), checks: checks.map((check) => fromWire(check)) } as unknown as Diagnosis
}

describe('heartwood diagnose', () => {
  const disposer = whenAllIsOver(after)
  const folder = emptyFolder(disposer)
  const variables = { HEARTWOOD_DATABASE: `${folder}/heartwood.db`, HEARTWOOD_MASTER_KEY: masterKey }
  let desk: Desk

  before(async () => {
    const storage = await sqliteStorage({ filename: variables.HEARTWOOD_DATABASE })
    // The command has the clock of this machine.
    desk = await newDesk(await newWorld({ storage }), Math.floor(Date.now() / 1000) - 1)
    await storage.close()
  })

  async function run(...inputs: readonly string[]): Promise<Said> {
    const lines: string[] = []
    const colours: string[] = []
    const output = {
      line: (text: string) => void lines.push(text),
      note: (text: string) => void lines.push(text),
      written: async () => {},
      coloured: (colour: string, text: string) => {
        colours.push(colour)
        lines.push(text)
      },
    }
    const code = await runCommand(['diagnose', ...inputs], variables, output)
    return { code, text: lines.join('\n'), colours }
  }

  for (const each of cases)
    test(each.name, async () => {
      const { code, text } = await run('--json', '--', await each.text(desk))
      assert.equal(code, 0, text)
      judge(fromJson(text), each)
    })

  test('prints a ladder for people, in colours, with the remedy last', async () => {
    const { text, colours } = await run(desk.tokens['revoked']!)
    assert.match(text, /^token, app desktop-app, lic_\w+\nok +form +The text is a whole license token\.\n/)
    assert.match(
      text,
      /\nFAILED +revocation +It was revoked on .* The reason: Refunded\.\n- +end +Not checked/,
    )
    assert.match(
      text,
      /\nIf the revocation was wrong, reinstate the license: `heartwood licenses reinstate [^\n]*$/,
    )
    assert.deepEqual(new Set(colours), new Set(['green', 'red', 'grey']))
    assert.deepEqual(new Set((await run(desk.tokens['older']!)).colours), new Set(['green', 'yellow']))
  })

  test('every command of a remedy is a command, with the flags that it names and the app that it needs', async () => {
    const named = new Set<string>()
    const inMemory = await newDesk(await newWorld(), start)
    for (const each of cases) {
      const { remedy } = await inMemory.world.licensing.diagnose({ text: await each.text(inMemory) })
      for (const [, command = ''] of (remedy ?? '').matchAll(/`heartwood ([^`]+)`/g)) named.add(command)
    }
    assert.ok(named.size >= 8, [...named].join())
    for (const command of named) {
      const lines: string[] = []
      const line = (text: string): void => void lines.push(text)
      const output = { line, note: line, coloured: line as never, written: async () => {} }
      const words = command.split(' ').slice(0, 2)
      assert.equal(await runCommand([...words, '--help'], variables, output), 0, command)
      const usage = lines.join('\n')
      assert.match(usage, /USAGE/, command)
      for (const flag of command.match(/--[a-z-]+/g) ?? []) assert.ok(usage.includes(flag), command)
      if (usage.includes('(--app slug)')) assert.match(command, / --app /)
    }
  })

  test('- reads standard input, also a file in UTF-16, and a long one is refused without its text', async () => {
    const token = desk.tokens['good']!
    const ask = (input: string) =>
      heartwood(['diagnose', '-', '--json'], { cwd: folder, env: variables, input })
    assert.deepEqual(fromJson((await ask(`token: ${token}\n`)).stdout).cause, null)
    assert.deepEqual(fromJson((await ask([...token].join('\0'))).stdout).cause, null)
    const long = await ask('canary7Xq'.repeat(10_000))
    assert.equal(long.code, 1)
    assert.match(long.stderr, /text must be a string of 1 to 65536 bytes/)
    assert.doesNotMatch(long.stdout + long.stderr, /canary7Xq/)
  })

  test('a pasted API key is named, and not repeated', async () => {
    const secret = `sk_live_${'a1B2c3D4e5'.repeat(3)}000000`
    const { text } = await run(secret)
    assert.match(text, /it is an API key, sk_live_…\. /)
    assert.equal(text.includes(secret.slice(8, 20)), false)
  })

  test('no colour and no control character goes into a pipe', async () => {
    const { stdout } = await heartwood(['diagnose', '-'], {
      cwd: folder,
      env: variables,
      input: desk.tokens['good']!,
    })
    assert.match(stdout, /^token, app/)
    assert.doesNotMatch(stdout, /[^\P{Cc}\n]/u)
  })
})

test('diagnosisToWire(): the facts of checks have wire names and times', () => {
  const checks = [{ check: 'end', state: 'passed', sentence: 'It ends.', facts: { expiresAt: 0 } }] as const
  const rest = {
    kind: 'license',
    app: 'a',
    licenseId: 'lic_1',
    cause: null,
    remedy: null,
    candidates: [],
  } as const
  assert.deepEqual(diagnosisToWire({ ...rest, checks }), {
    ...{ kind: 'license', app: 'a', license_id: 'lic_1', cause: null, remedy: null, candidates: [] },
    checks: [{ ...checks[0], facts: { expires_at: '1970-01-01T00:00:00Z' } }],
  })
})
