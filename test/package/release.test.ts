import assert from 'node:assert/strict'
import { YAML } from 'bun'
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import manifest from '../../package.json' with { type: 'json' }
import { emptyFolder, run } from './programs.ts'

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}

interface Job {
  readonly needs?: string | readonly string[]
  readonly permissions?: Readonly<Record<string, string>>
  readonly steps?: readonly Step[]
  readonly strategy?: { readonly matrix: { readonly include: readonly Readonly<Record<string, string>>[] } }
}

interface Workflow {
  readonly permissions: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, Job>>
}

const folder = '.github/workflows'
const files = readdirSync(folder).map((name) => `${folder}/${name}`)

function workflow(file: string): Workflow {
  return YAML.parse(readFileSync(file, 'utf8')) as Workflow
}

const release = workflow(`${folder}/release.yml`)

for (const file of files) {
  test(`${file}: names each action of others by a commit, with its version beside it`, () => {
    const used = [...readFileSync(file, 'utf8').matchAll(/^ *(?:- )?uses: (.*)$/gm)].map(
      ([, text = '']) => text,
    )
    assert.notEqual(used.length, 0)
    assert.deepEqual(
      used.filter((text) => !/^\.\/|^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(text)),
      [],
    )
  })

  test(`${file}: may read the code and nothing else, unless a job says so`, () => {
    assert.deepEqual(workflow(file).permissions, { contents: 'read' })
  })

  test(`${file}: leaves no token in a checkout`, () => {
    const steps = Object.values(workflow(file).jobs).flatMap((job) => job.steps ?? [])
    const checkouts = steps.filter(({ uses = '' }) => uses.startsWith('actions/checkout@'))
    assert.deepEqual(
      checkouts.filter((step) => step.with?.['persist-credentials'] !== false),
      [],
    )
  })

  test(`${file}: each script and file that it runs is there`, () => {
    const commands = Object.values(workflow(file).jobs).flatMap((job) => job.steps ?? [])
    const text = commands.map(({ run = '' }) => run).join('\n')
    const scripts = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name)
    const paths = [...text.matchAll(/(?:node|bash|cp) ((?:scripts|deploy|\.ci)\/\S+)/g)].map(
      ([, path = '']) => path,
    )
    assert.deepEqual(
      [
        ...scripts.filter((name) => !(name in manifest.scripts)),
        ...paths.filter((path) => !existsSync(path)),
      ],
      [],
    )
  })
}

test('release.yml: only the jobs that publish may write or prove who they are', () => {
  const rights = Object.entries(release.jobs).flatMap(([name, { permissions = {} }]) =>
    Object.entries(permissions)
      .filter(([, right]) => right === 'write')
      .map(([scope]) => `${name} ${scope}`),
  )
  assert.deepEqual(rights.toSorted(), [
    'github attestations',
    'github contents',
    'github id-token',
    'jsr id-token',
    'npm id-token',
  ])
})

/** The jobs that must have succeeded before a job. */
function jobsBefore(name: string): ReadonlySet<string> {
  const direct = [release.jobs[name]?.needs ?? []].flat()
  return new Set([...direct, ...direct.flatMap((each) => [...jobsBefore(each)])])
}

test('release.yml: publishes only after the tests and after every executable has run', () => {
  for (const name of ['npm', 'jsr', 'github'])
    assert.ok(
      ['test', 'executable'].every((job) => jobsBefore(name).has(job)),
      name,
    )
})

test('release.yml: makes an executable for five platforms, each named once', () => {
  const rows = release.jobs['executable']!.strategy!.matrix.include
  const platforms = rows.map(({ platform }) => platform)
  assert.deepEqual(platforms.toSorted(), [
    'linux-arm64',
    'linux-x64',
    'macos-arm64',
    'macos-x64',
    'windows-x64',
  ])
  for (const { platform = '', target = '' } of rows) {
    const expected = `bun-${platform.replace('macos', 'darwin')}`
    assert.ok([expected, `${expected}-baseline`].includes(target), target)
  }
})

/** Runs the steps of the job for npm against a registry that has some packages in this version. Resolves to what they publish. */
async function published(held: readonly string[]): Promise<readonly string[]> {
  const folder = emptyFolder()
  const program = `#!/bin/sh
case "$*" in
  ${held.map((name) => `"view ${name}@1.2.3 version") echo 1.2.3;;\n`).join('  ')}
  publish*) echo "$*" >> "${folder}/published";;
esac
`
  writeFileSync(join(folder, 'npm'), program)
  chmodSync(join(folder, 'npm'), 0o755)
  const env = { PATH: `${folder}:${process.env['PATH']}`, GITHUB_REF_NAME: 'v1.2.3' }
  const steps = release.jobs['npm']!.steps!.map(({ run = '' }) => run)
  for (const step of steps.filter((text) => text.includes('npm publish')))
    await run(['bash', '-e', '-c', step], { env })
  return existsSync(join(folder, 'published'))
    ? readFileSync(join(folder, 'published'), 'utf8').trim().split('\n')
    : []
}

test('release.yml: run again after a fault, it publishes to npm only what npm lacks', async () => {
  const [server, client] = [
    'publish --provenance --access public',
    'publish --provenance --access public ./packages/client',
  ]
  assert.deepEqual(await published([]), [server, client])
  assert.deepEqual(await published(['heartwood']), [client])
  assert.deepEqual(await published(['heartwood', 'heartwood-client']), [])
})
