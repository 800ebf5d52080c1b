import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { test } from 'node:test'
import { describeLeftOut } from '../../scripts/test.ts'
import { leftOutVariable } from '../support/left-out.ts'
import { emptyFolder, run } from './programs.ts'

const program = `
import { lacking } from './test/support/left-out.ts'
console.log(lacking('the first part', ['bun']), lacking('a part', ['bun', 'no-such-program']))
`

/** Runs the program, with or without `CI`. Resolves to its output and to the lines that it left for the end of the tests. */
async function leaveOut(ci: Readonly<Record<string, string>>): Promise<{ stdout: string; lines: string }> {
  const file = join(emptyFolder(), 'left-out.txt')
  const { CI: _ci, ...rest } = process.env as Record<string, string>
  const env = { PATH: rest['PATH'] ?? '', [leftOutVariable]: file, ...ci }
  const command = ['env', '-i', ...Object.entries(env).map(([name, value]) => `${name}=${value}`)]
  const { stdout } = await run([...command, 'bun', '--eval', program])
  return { stdout, lines: existsSync(file) ? readFileSync(file, 'utf8') : '' }
}

test('a missing program: its tests are left out, and the end of the tests tells which and why', async () => {
  const { stdout, lines } = await leaveOut({})
  const reason = 'no no-such-program on the PATH'
  assert.equal(stdout, `false ${reason}\n`)
  assert.equal(lines, `a part: ${reason}\n`)
  assert.match(
    describeLeftOut(lines + lines),
    /^Left out, because .*:\n {2}a part: no no-such-program on the PATH$/,
  )
  assert.equal(describeLeftOut(''), '')
})

test('a missing program on CI: the file with its tests fails', async () => {
  await assert.rejects(leaveOut({ CI: 'true' }), /no no-such-program on the PATH/)
})
