import { spawn, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { LicenseClaims } from '../../src/core/token/token.ts'
import { findProgram } from '../support/left-out.ts'

/** A token and its reader. `keys` are PEM texts. */
export interface Case {
  readonly token: string
  readonly app: string
  readonly issuer: string
  readonly keys: readonly string[]
  readonly now: number
  readonly releasedAt?: number
}

/** The result of a verifier: known claims and revision, or a code. `unusable_key`: it takes a key for a mistake of its user. */
export type Verdict = { readonly claims: LicenseClaims; readonly revision: number } | string

/** A language in which Heartwood has a verifier. */
export interface Language {
  readonly name: string
  /** Its verifier, and the place of that in the folder in which it runs. */
  readonly verifier: readonly [file: string, place: string]
  /** The program here that judges tokens by it. */
  readonly judge: string
  /** The name of the program on the page, and the language of its block. */
  readonly example: readonly [file: string, block: string]
  /** The programs that it needs, each with the arguments that show if it runs. */
  readonly programs: readonly (readonly [name: string, ...args: string[]])[]
  /** Debian's packages, as .ci/run installs them. */
  readonly debian: string
  /** Builds a program, if the language needs that, and runs it, by the paths of {@link programs}. */
  readonly commands: (file: string, ...programs: readonly string[]) => readonly (readonly string[])[]
}

export const languages: readonly Language[] = [
  {
    name: 'Python',
    verifier: ['verifiers/heartwood_license.py', 'heartwood_license.py'],
    judge: 'judge.py',
    example: ['program.py', 'python'],
    programs: [['python3', '-c', 'import cryptography']],
    debian: 'python3-cryptography',
    commands: (file, python = '') => [[python, file]],
  },
  {
    name: 'Go',
    verifier: ['verifiers/heartwood_license.go', 'license/heartwood_license.go'],
    judge: 'judge.go',
    example: ['main.go', 'go'],
    programs: [['go', 'version']],
    debian: 'golang-go',
    commands: (_, go = '') => [[go, 'build', '-o', 'program', '.'], ['./program']],
  },
  {
    name: 'Java',
    verifier: ['verifiers/HeartwoodLicense.java', 'HeartwoodLicense.java'],
    judge: 'Judge.java',
    example: ['Program.java', 'java'],
    programs: [
      ['java', '--version'],
      ['javac', '--version'],
    ],
    debian: 'default-jdk-headless',
    commands: (file, java = '', javac = '') => [
      [javac, '-Xlint:all', '-Werror', 'HeartwoodLicense.java', file],
      [java, '-XX:TieredStopAtLevel=1', '-cp', '.', file.replace('.java', '')],
    ],
  },
  {
    name: 'PHP',
    verifier: ['verifiers/heartwood_license.php', 'heartwood_license.php'],
    judge: 'judge.php',
    example: ['program.php', 'php'],
    programs: [['php', '--version']],
    debian: 'php-cli',
    commands: (file, php = '') => [[php, file]],
  },
  {
    name: 'C#',
    verifier: ['verifiers/HeartwoodLicense.cs', 'HeartwoodLicense.cs'],
    judge: 'Judge.cs',
    example: ['Program.cs', 'csharp'],
    programs: [
      ['mcs', '--version'],
      ['mono', '--version'],
    ],
    debian: 'mono-mcs',
    commands: (file, mcs = '', mono = '') => [
      [mcs, '-langversion:7.2', '-warnaserror', '-out:program.exe', 'HeartwoodLicense.cs', file],
      [mono, 'program.exe'],
    ],
  },
]

/** The paths of a language's programs, or the first one that this machine lacks. */
export function programsOf({ programs }: Language): {
  readonly paths: readonly string[]
  readonly lacks: string | null
} {
  const paths = programs.map(([name, ...args]) => findProgram([name], args) ?? null)
  const lacks = programs.find((_, at) => paths[at] === null)?.[0] ?? null
  return { paths: paths.filter((path) => path !== null), lacks }
}

const root = fileURLToPath(new URL('../../', import.meta.url))

function copyVerifier(folder: string, { name, verifier: [file, place] }: Language): void {
  mkdirSync(dirname(join(folder, place)), { recursive: true })
  copyFileSync(join(root, file), join(folder, place))
  if (name === 'Go') writeFileSync(join(folder, 'go.mod'), 'module example.com/program\n\ngo 1.18\n')
}

const encode = (text: string): string => Buffer.from(text).toString('base64')
const decode = (field: string): string => Buffer.from(field, 'base64').toString()

/** One line a token: its fields in base64 or as numbers, with a tab between them. */
function lineOf({ token, app, issuer, now, releasedAt, keys }: Case): string {
  return [
    encode(token),
    encode(app),
    encode(issuer),
    now,
    releasedAt ?? '-',
    keys.map(encode).join(','),
  ].join('\t')
}

function optional(field: string | undefined): number | undefined {
  return field === '-' ? undefined : Number(field)
}

function verdictOf(line: string): Verdict {
  const [code = '', ...fields] = line.split('\t')
  if (code !== 'ok') return code
  const [sub, aud, iss, jti, lic_id, tier, customer_id] = fields.slice(0, 7).map(decode)
  const [iat, exp, updates_until, revision] = fields.slice(7, 11).map(optional)
  const features = (fields[11] ?? '').split(',').filter((item) => item !== '')
  const limits = (fields[12] ?? '').split(',').filter((item) => item !== '')
  const claims = {
    ...{ sub, aud, iss, iat, jti, lic_id, tier, customer_id },
    ...(exp !== undefined && { exp }),
    features: features.map((item) => decode(item.slice(0, -1))),
    limits: Object.fromEntries(limits.map((item) => limitOf(item))),
    ...(updates_until !== undefined && { updates_until }),
  }
  return { claims: claims as LicenseClaims, revision: revision! }
}

function limitOf(item: string): [string, number] {
  const at = item.lastIndexOf('=')
  return [decode(item.slice(0, at)), Number(item.slice(at + 1))]
}

function build(command: readonly string[], cwd: string): void {
  const [program = '', ...args] = command
  // Go keeps its cache below the home folder, which a machine of CI may not have.
  const env = { ...process.env, GOCACHE: join(cwd, 'cache'), GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local' }
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command.join(' ')} failed: ${stdout}${stderr}${error?.message ?? ''}`)
}

async function runToEnd(
  [program = '', ...args]: readonly string[],
  cwd: string,
  input: string,
): Promise<string> {
  const child = spawn(program, args, { cwd, stdio: ['pipe', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  // A program that ends early closes its input; its code tells of that.
  child.stdin.on('error', () => {}).end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${program} ended with ${code}`)
  return output
}

interface Run {
  readonly args?: readonly string[]
  readonly input?: string
}

/** Builds a program in a folder with nothing but its verifier, and resolves to its outputs, one a run. */
async function outputsOf(
  language: Language,
  file: string,
  text: string,
  runs: readonly Run[],
): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'heartwood-verifier-'))
  try {
    copyVerifier(folder, language)
    writeFileSync(join(folder, file), text)
    const commands = [...language.commands(file, ...programsOf(language).paths)]
    const last = commands.pop()!
    for (const command of commands) build(command, folder)
    const outputs: string[] = []
    for (const { args = [], input = '' } of runs)
      outputs.push(await runToEnd([...last, ...args], folder, input))
    return outputs
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Judges the cases by the verifier of a language. */
export async function judge(language: Language, cases: readonly Case[]): Promise<readonly Verdict[]> {
  const text = readFileSync(join(root, 'test/verifiers', language.judge), 'utf8')
  const input = cases.map((each) => `${lineOf(each)}\n`).join('')
  const [output = ''] = await outputsOf(language, language.judge, text, [{ input }])
  return output.trimEnd().split(/\r?\n/).map(verdictOf)
}

/** Runs the program of the page with each token as its argument. */
export function runExample(
  language: Language,
  text: string,
  tokens: readonly string[],
): Promise<readonly string[]> {
  return outputsOf(
    language,
    language.example[0],
    text,
    tokens.map((token) => ({ args: [token] })),
  )
}
