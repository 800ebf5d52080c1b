import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import process from 'node:process'
import { test } from 'node:test'
import { emptyFolder } from './heartwood.ts'

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    // The group has ended already.
    assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH')
  }
}

test('npm start: SIGTERM ends the server', async (t) => {
  const database = join(emptyFolder(t), 'heartwood.db')
  const args = ['start', '--', '--port', '0', '--host', '127.0.0.1', '--database', database]
  const npm = spawn('npm', args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  // It ends a server that npm left behind.
  t.after(() => endGroup(npm.pid!))
  let output = ''
  npm.stdout.on('data', (chunk) => (output += String(chunk)))
  while (!/listens on \S+\n/.test(output)) await once(npm.stdout, 'data')
  const [, url] = /listens on (\S+)\n/.exec(output) ?? []
  process.kill(npm.pid!, 'SIGTERM')
  await once(npm, 'exit')
  await assert.rejects(fetch(`${url}/api/health`))
})
