import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { chromium, type Browser } from 'playwright-core'

const executables = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-sync',
  '--disable-background-networking',
  '--disable-component-update',
]

/** Starts Debian's Chromium. If it is missing, the test fails with the command that installs it. */
export async function startChromium(): Promise<Browser> {
  const executablePath = executables.find((path) => existsSync(path))
  assert.ok(executablePath, 'Chromium is not installed: apt-get install chromium')
  return chromium.launch({ executablePath, args: flags })
}
