// Starts an executable in an empty folder, waits until it is healthy, asks for a page, and stops it:
// `node scripts/try-executable.mjs FILE`. A release does this on each platform. It is plain JavaScript for an older Node too.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'

async function addressOf(output) {
  for await (const line of createInterface({ input: output })) {
    const [, url] = /listens on (\S+)/.exec(line) ?? []
    if (url !== undefined) return url
  }
  throw new Error('The program ended before it listened')
}

async function requirePage(url) {
  const response = await fetch(url)
  if (response.status !== 200) throw new Error(`${url} responds with ${response.status}`)
}

async function stop(server) {
  server.kill('SIGTERM')
  const [code] = server.exitCode === null ? await once(server, 'exit') : [server.exitCode]
  // Windows knows no signals: it ends the process.
  if (process.platform !== 'win32' && code !== 0) throw new Error(`The program ended with ${code}`)
}

async function tryIn(folder, file) {
  const server = spawn(file, ['serve', '--port', '0'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const url = await addressOf(server.stdout)
    process.stdout.write(execFileSync(file, ['health', '--port', new URL(url).port]))
    for (const path of ['/dashboard', '/swagger/swagger-ui.css']) await requirePage(url + path)
    await stop(server)
    if (!existsSync(join(folder, 'heartwood.db'))) throw new Error('The program made no database')
  } finally {
    server.kill('SIGKILL')
  }
}

const folder = mkdtempSync(join(tmpdir(), 'heartwood-try-'))
try {
  await tryIn(folder, resolve(process.argv[2]))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
