import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import manifest from '../../package.json' with { type: 'json' }
import { emptyFolder, heartwood, ways, type Way } from './heartwood.ts'

const misspelt: readonly (readonly string[])[] = [
  ['serve', '--prot', '4001'],
  ['serve', '--port', '65536'],
  ['serve', '--port', '4e3'],
  ['serve', 'extra'],
  ['keys', 'create', '--typ', 'pk'],
  ['keys', 'create', '--type', 'secret'],
  ['keys', 'revoke'],
  ['keys', 'remove'],
  ['serv'],
]

for (const args of misspelt)
  test(`heartwood ${args.join(' ')}: exits with 2 as misspelt`, async (t) => {
    const cwd = emptyFolder(t)
    const { code, stdout, stderr } = await heartwood(args, { cwd })
    assert.equal(code, 2)
    assert.equal(stdout, '')
    assert.notEqual(stderr, '')
    assert.deepEqual(readdirSync(cwd), [])
  })

const refused: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
  [
    { HEARTWOOD_DATABASE: 'postgres://user:hunter2@localhost/licenses' },
    /PostgreSQL needs HEARTWOOD_MASTER_KEY/,
  ],
  [
    { HEARTWOOD_DATABASE: 'postgres:user:hunter2@localhost' },
    /must have the form postgres:\/\/user:password@host/,
  ],
  [{ HEARTWOOD_DATABASE: 'postgres://user:hunter2@[localhost' }, /must have the form/],
  [
    { HEARTWOOD_DATABASE: 'postgres://user:100%hunter2@localhost/licenses' },
    /write a % in its password as %25/,
  ],
  [{ HEARTWOOD_DATABASE: 'postgres://user:hunter2@one:1,two:2/licenses?sslmode=on' }, /as its sslmode\n$/],
  [
    {
      HEARTWOOD_DATABASE:
        'postgres://user:hunter2@one:1,two:2/licenses?channel_binding=require&schema=public',
    },
    /PostgreSQL needs HEARTWOOD_MASTER_KEY/,
  ],
  [{ HEARTWOOD_DATABASE: 'mysql://localhost/licenses' }, /SQLite file/],
  [{ HEARTWOOD_DATABASE: 'nowhere/heartwood.db' }, /nowhere/],
  [{ HEARTWOOD_LOG: 'loud' }, /HEARTWOOD_LOG must be one of json, pretty, off/],
  [{ HEARTWOOD_MASTER_KEY: 'a', HEARTWOOD_MASTER_KEY_FILE: 'b' }, /not both/],
  [{ HEARTWOOD_RATE_LIMITS: '{"verify": 0}' }, /HEARTWOOD_RATE_LIMITS must be .*renewal_per_license/],
  [{ HEARTWOOD_RATE_LIMITS: '{"verfy": 1}' }, /HEARTWOOD_RATE_LIMITS must be/],
  [{ HEARTWOOD_RATE_LIMITS: 'none' }, /HEARTWOOD_RATE_LIMITS must be/],
  [{ HEARTWOOD_TRUSTED_PROXIES: '10.0.0.0/99' }, /HEARTWOOD_TRUSTED_PROXIES must be/],
  [{ HEARTWOOD_PUBLIC_URL: 'licenses.example' }, /HEARTWOOD_PUBLIC_URL must be/],
  [{ HEARTWOOD_PUBLIC_URL: 'https://u:hunter2@licenses.example' }, /HEARTWOOD_PUBLIC_URL must be/],
  [{ HEARTWOOD_CORS_ORIGINS: '*' }, /HEARTWOOD_CORS_ORIGINS must name every origin whole, .* asterisk/],
  [{ HEARTWOOD_CORS_ORIGINS: 'https://*.a.example' }, /HEARTWOOD_CORS_ORIGINS must name every origin whole/],
  [{ HEARTWOOD_METRICS_PORT: '9464' }, /HEARTWOOD_METRICS_PORT needs HEARTWOOD_METRICS=on/],
  [{ HEARTWOOD_METRICS: 'on', HEARTWOOD_METRICS_PORT: '70000' }, /HEARTWOOD_METRICS_PORT must be a number/],
  [{ HEARTWOOD_CORS_ORIGINS: 'https://a.example/path' }, /HEARTWOOD_CORS_ORIGINS must be/],
  [{ HEARTWOOD_METRICS: 'yes' }, /HEARTWOOD_METRICS must be "off", or "on"/],
  [{ HEARTWOOD_SIGNING: 'every' }, /HEARTWOOD_SIGNING must be "spare", "all"/],
  [{ HEARTWOOD_WEBHOOK_QUEUE_LIMIT: '500001' }, /HEARTWOOD_WEBHOOK_QUEUE_LIMIT must be .* 1 to 500000/],
  [{ HEARTWOOD_WEBHOOK_QUEUE_LIMIT: 'none' }, /HEARTWOOD_WEBHOOK_QUEUE_LIMIT must be/],
  [{ HEARTWOOD_PRIVATE_WEBHOOKS: 'true' }, /HEARTWOOD_PRIVATE_WEBHOOKS must be "refuse", or "allow"/],
  [{ HEARTWOOD_ISSUER: 'line\nbreak' }, /HEARTWOOD_ISSUER contains a control character/],
  [{ HEARTWOOD_ISSUER: 'x'.repeat(256) }, /HEARTWOOD_ISSUER must be/],
  [{ PORT: 'http' }, /PORT must be a number/],
]

for (const [env, wanted] of refused)
  test(`heartwood serve: refuses ${Object.keys(env).join(' and ')} = ${Object.values(env).join(' and ')}`, async (t) => {
    const cwd = emptyFolder(t)
    const { code, stderr } = await heartwood(['serve'], { cwd, env })
    assert.equal(code, 1)
    assert.match(stderr, wanted)
    assert.match(stderr, /^heartwood: [^\n]+\n$/)
    assert.equal(stderr.includes('hunter2'), false)
    assert.deepEqual(readdirSync(cwd), [])
  })

for (const way of Object.keys(ways) as Way[])
  test(`heartwood on ${way}: --version, --help and exit code 2 for a misspelt flag`, async (t) => {
    const cwd = emptyFolder(t)
    assert.equal((await heartwood(['--version'], { cwd, way })).stdout, `${manifest.version}\n`)
    const help = await heartwood(['serve', '--help'], { cwd, way })
    assert.equal(help.code, 0)
    for (const flag of ['--port', '--host', '--database']) assert.equal(help.stdout.includes(flag), true)
    assert.equal((await heartwood(['serve', '--prot', '1'], { cwd, way })).code, 2)
  })
