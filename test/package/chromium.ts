import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { chromium, type Browser } from 'playwright-core'
import { findProgram, leaveOut } from '../support/left-out.ts'

/** A browser, and the variables that it needs. */
interface Executable {
  readonly executablePath: string
  readonly env: Readonly<Record<string, string>>
}

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

// The flags that @sparticuz/chromium offers switch off the checks of origins, so none of them is here.
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-sync',
  '--disable-background-networking',
  '--disable-component-update',
]

const unpackProgram = `
import chromium, { inflate } from '@sparticuz/chromium'
await chromium.executablePath()
await inflate('node_modules/@sparticuz/chromium/bin/al2023.tar.br')
`

/** Unpacks the browser of npm into a folder named after its version. Two processes may do so at the same time. */
function unpacked(): string {
  const manifest = readFileSync('node_modules/@sparticuz/chromium/package.json', 'utf8')
  const { version } = JSON.parse(manifest) as { readonly version: string }
  const folder = resolve('node_modules/.cache', `heartwood-chromium-${version}`)
  if (existsSync(folder)) return folder
  const own = `${folder}.${process.pid}`
  mkdirSync(own, { recursive: true })
  // The package unpacks into the folder for temporary files, and takes any version that it finds there.
  const env = { ...process.env, TMPDIR: own }
  const run = spawnSync('node', ['--input-type=module', '--eval', unpackProgram], { env, encoding: 'utf8' })
  try {
    if (run.status !== 0) throw new Error(run.stderr)
    renameSync(own, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
  return folder
}

/** Names the fonts of the package, because its own settings name a folder elsewhere. Without any font the browser crashes. */
function writeFontSettings(folder: string): void {
  const folders = `<dir>${folder}/fonts/fonts</dir><cachedir>${folder}/fonts-cache</cachedir>`
  const head = '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">'
  writeFileSync(join(folder, 'fonts/fonts.conf'), `${head}<fontconfig>${folders}</fontconfig>\n`)
}

/** The browser of npm, if it runs here. It brings libraries that a machine without a browser lacks. */
function fromNpm(): Executable | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined
  const folder = unpacked()
  writeFontSettings(folder)
  const executablePath = join(folder, 'chromium')
  const env = { LD_LIBRARY_PATH: join(folder, 'al2023/lib'), FONTCONFIG_PATH: join(folder, 'fonts') }
  const options = { env: { ...process.env, ...env }, stdio: 'ignore' } as const
  return spawnSync(executablePath, ['--version'], options).status === 0 ? { executablePath, env } : undefined
}

function findBrowser(): Executable | undefined {
  const executablePath = findProgram(names)
  return executablePath === undefined ? fromNpm() : { executablePath, env: {} }
}

const browser = findBrowser()

/** For `test`'s `skip`: false, or the cause. @throws {Error} on CI. */
export function lackingBrowser(tests: string): string | false {
  const reason = `no ${names[0]} on the PATH, and @sparticuz/chromium does not run on this machine`
  return browser === undefined ? leaveOut(tests, reason) : false
}

/** Starts the system's Chromium, otherwise the one of npm. */
export async function startChromium(): Promise<Browser> {
  if (browser === undefined) throw new Error('No browser was found: use lackingBrowser()')
  const { executablePath, env } = browser
  return chromium.launch({ executablePath, env: { ...process.env, ...env }, args: flags })
}
