import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import manifest from '../../package.json' with { type: 'json' }
import { emptyFolder, sameRuntime, startServer } from '../cli/heartwood.ts'
import { lacking } from './documents.ts'

const readme = readFileSync(resolve('README.md'), 'utf8')

function section(title: string): string {
  const [, text = ''] = readme.split(`\n## ${title}\n`)
  return text.split('\n## ')[0] ?? ''
}

function blocks(language: string, text: string): readonly string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, code = '']) => code,
  )
}

/** Has each curl say its status on standard error, where a pipe does not reach. */
const curlWithStatus = `set -euo pipefail
curl() { command curl -w '%{stderr}%{http_code}\\n' "$@"; }
`

test(
  'its curl commands, pasted one after the other, do what it says',
  { skip: lacking('curl') },
  async (t) => {
    const server = await startServer(t, { cwd: emptyFolder(t), way: sameRuntime })
    const script = blocks('sh', section('By curl'))
      .join('')
      .replace('http://localhost:4000', server.url)
      .replace('sk_live_...', server.key ?? '')
    const run = promisify(execFile)('bash', ['-c', curlWithStatus + script], { cwd: emptyFolder(t) })
    const { stdout, stderr } = await run
    assert.deepEqual(
      stderr.trim().split('\n').map(Number),
      [201, 201, 201, 201, 201, 200, 200, 200, 200, 200],
    )
    assert.match(stdout, /"features":\["api_access","webhooks"\]/)
    assert.match(stdout, /-----BEGIN PUBLIC KEY-----/)
    assert.match(stdout, /"valid":true/)
    assert.match(stdout, /"licenses_resigned":1/)
  },
)

test(
  'its embedding runs as it stands',
  { skip: sameRuntime === 'Deno' && 'run on Bun and Node' },
  async (t) => {
    const cwd = emptyFolder(t)
    mkdirSync(join(cwd, 'node_modules'))
    symlinkSync(resolve('.'), join(cwd, 'node_modules', 'heartwood'))
    const [embedding = ''] = blocks('ts', section('In your own backend'))
    writeFileSync(join(cwd, 'embed.ts'), `${embedding}\nconsole.log(token)\nawait storage.close()\n`)
    const env = { ...process.env, MASTER_KEY: Buffer.alloc(32, 7).toString('base64') }
    const { stdout } = await promisify(execFile)(sameRuntime.toLowerCase(), ['embed.ts'], { cwd, env })
    assert.match(stdout, /^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/)
  },
)

test('it names scripts that there are', () => {
  const named = [...readme.matchAll(/npm (?:run )?(start|test|build)\b/g)].map(([, script = '']) => script)
  assert.deepEqual(
    named.filter((script) => !(script in manifest.scripts)),
    [],
  )
})

test('it links to files that there are', () => {
  for (const [, file = ''] of readme.matchAll(/\]\((?!https?:)([^)]+)\)/g)) readFileSync(resolve(file))
})
