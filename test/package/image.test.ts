import assert from 'node:assert/strict'
import { chmodSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { before, test } from 'node:test'
import manifest from '../../package.json' with { type: 'json' }
import { startServer, type RunningServer } from '../cli/heartwood.ts'
import { commandOf, environmentOf, stagesOf, valueOf, valuesOf } from './dockerfile.ts'
import { executable, imageBuild, problem } from './executable.ts'
import { emptyFolder, run } from './programs.ts'
import { serveVariables } from './serve-variables.ts'

const stages = stagesOf('Dockerfile')
const [build, image] = [stages[0]!, stages.at(-1)!]
const environment = environmentOf(image)
const command = [...commandOf(valueOf(image, 'ENTRYPOINT')), ...commandOf(valueOf(image, 'CMD'))]
const health = commandOf(valueOf(image, 'HEALTHCHECK'))

let variables: readonly string[]
/** The folder of the executable, as the one folder of programs in the image. */
let path: string

before(async () => {
  variables = await serveVariables()
  path = dirname(await executable())
})

/** A folder in place of the image's volume, made by the image's own command. Only root can give it to another user. */
async function volume(): Promise<{ readonly data: string; readonly as: readonly string[] }> {
  const folder = emptyFolder()
  chmodSync(folder, 0o755)
  const data = join(folder, 'data')
  const isRoot = process.getuid?.() === 0
  const [install = ''] = valuesOf(image, 'RUN')
  const words = install.split(' ').map((word) => (word === valueOf(image, 'VOLUME') ? data : word))
  await run(isRoot ? words : words.filter((word) => !/^--(owner|group)=/.test(word)))
  const [user, group] = valueOf(image, 'USER').split(':')
  return { data, as: isRoot ? ['setpriv', `--reuid=${user}`, `--regid=${group}`, '--clear-groups'] : [] }
}

function environmentIn(data: string): Readonly<Record<string, string>> {
  const own = Object.entries(environment).map(([name, value]) => [name, value.replace(/^\/data\b/, data)])
  return { ...(Object.fromEntries(own) as Record<string, string>), PATH: `${path}:${process.env['PATH']}` }
}

/** Runs the health check of the image beside a server. */
function checkHealth({ url }: Pick<RunningServer, 'url'>, data: string): Promise<unknown> {
  return run(health, { cwd: data, env: { ...environmentIn(data), PORT: new URL(url).port } })
}

test('Dockerfile: the command serves from an empty volume as a user without rights, and SIGTERM ends it', async (t) => {
  const { data, as } = await volume()
  const env = environmentIn(data)
  const server = await startServer(t, { cwd: data, env, command: [...as, ...command] })
  assert.equal(new URL(server.url).hostname, environment['HOST'])
  await checkHealth(server, data)
  const { code, stderr } = await server.stop()
  assert.equal(code, 0)
  assert.doesNotMatch(stderr, problem)
  assert.deepEqual(readdirSync(data).toSorted(), ['heartwood.db', 'heartwood.key'])
  if (as.length > 0)
    assert.equal(`${statSync(join(data, 'heartwood.key')).uid}`, valueOf(image, 'USER').split(':')[0])
  await assert.rejects(checkHealth(server, data), /No server responds/)
})

test('Dockerfile: serve and health read each variable that the image sets', () => {
  assert.notEqual(Object.keys(environment).length, 0)
  assert.deepEqual(
    Object.keys(environment).filter((name) => !variables.includes(name)),
    [],
  )
})

test('Dockerfile: the image has the port of serve, and a user that is a number other than 0', () => {
  const { PORT: port = '4000' } = environment
  assert.equal(valueOf(image, 'EXPOSE'), port)
  assert.match(valueOf(image, 'USER'), /^[1-9]\d*:[1-9]\d*$/)
  assert.equal(valueOf(image, 'WORKDIR'), valueOf(image, 'VOLUME'))
})

test('Dockerfile: each image that it begins with is pinned to a version, and its Node is that of package.json', () => {
  const bases = stages.map((stage) => valueOf(stage, 'FROM').split(' ')[0]!)
  assert.deepEqual(
    bases.filter((base) => !/^[a-z/]+:\d+\.\d+(\.\d+)?-(bookworm-)?slim$/.test(base)),
    [],
  )
  const [, node = ''] = /^node:([\d.]+)-/.exec(bases[0]!) ?? []
  assert.equal(manifest.devDependencies.node, `^${node}`)
})

test('Dockerfile: its commands, in a clone, make the files that the image takes', async () => {
  const clone = await imageBuild()
  assert.match(valuesOf(build, 'RUN')[0]!, /^npm ci --ignore-scripts /)
  const [from, ...sources] = valuesOf(image, 'COPY').map((value) => value.split(' ')[1]!)
  const copied = [from!, ...sources].map((source) => source.replace(valueOf(build, 'WORKDIR'), clone))
  assert.deepEqual(
    copied.filter((file) => !existsSync(file)),
    [],
  )
  assert.match((await run([copied[0]!, '--version'])).stdout, /^\d+\.\d+\.\d+\n$/)
})

/** True for a path that `.dockerignore` keeps out of the build. */
function isIgnored(file: string): boolean {
  const patterns = readFileSync('.dockerignore', 'utf8')
    .split('\n')
    .filter((line) => /^[^#]/.test(line))
  return patterns.some(
    (pattern) => new Bun.Glob(pattern).match(file) || new Bun.Glob(`${pattern}/**`).match(file),
  )
}

test('.dockerignore: keeps secrets and other builds out, and no file of the repository', async () => {
  const secrets = ['.env', '.env.local', 'heartwood.key', 'heartwood.db', 'heartwood.db-wal']
  const made = [
    'node_modules/elysia/package.json',
    'dist/core/index.js',
    '.git/config',
    'executable/heartwood',
  ]
  assert.deepEqual(
    [...secrets, ...made].filter((file) => !isIgnored(file)),
    [],
  )
  const { stdout } = await run(['git', 'ls-files'])
  assert.deepEqual(stdout.trim().split('\n').filter(isIgnored), [])
})
