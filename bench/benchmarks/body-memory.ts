import { connect } from 'node:net'
import type { Benchmark, Effort } from '../benchmark.ts'
import { startChild } from '../child-process.ts'
import { openFixture } from '../fixtures.ts'
import { spreadOf } from '../measure.ts'
import { formatNumber, type Result } from '../result.ts'
import type { Usage } from '../server.ts'

const connections = 256
const body = Buffer.from(
  JSON.stringify({ email: 'ada@example.com', metadata: { note: 'x'.repeat(250_000) } }),
)

/** Sends one request over a connection of its own. Resolves to the status, or to 0 if the server closed the connection. */
function send(port: number, head: string): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    let status = 0
    socket.on('connect', () => {
      socket.write(head)
      socket.write(body)
    })
    socket.on('data', (chunk) => {
      status = Number(/^HTTP\/1\.1 (\d+)/.exec(String(chunk))?.[1] ?? status)
      socket.destroy()
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(status))
  })
}

async function crowd(port: number, key: string | null, milliseconds: number): Promise<number> {
  const authorization = key === null ? '' : `authorization: Bearer ${key}\r\n`
  const head = `POST /api/v1/apps/bench/customers HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${authorization}content-length: ${body.length}\r\n\r\n`
  const began = performance.now()
  let responses = 0
  const sender = async (): Promise<void> => {
    while (performance.now() - began < milliseconds) if ((await send(port, head)) > 0) responses++
  }
  await Promise.all(Array.from({ length: connections }, sender))
  return responses
}

async function peakOf(location: string, withKey: boolean, { milliseconds }: Effort): Promise<Result> {
  const child = await startChild('Bun', 'server.ts', ['heartwood', location, 'bench'])
  const { port, secret } = child.ready as { readonly port: number; readonly secret: string }
  const { peakMemory: idle } = (await child.send('usage')) as Usage
  const responses = await crowd(port, withKey ? secret : null, 3 * milliseconds)
  const { peakMemory } = (await child.send('usage')) as Usage
  await child.stop()
  return {
    what: `Peak memory while ${connections} connections send bodies of 250 kB, ${withKey ? 'with' : 'without'} an API key`,
    against: '',
    runtime: 'Bun',
    database: 'SQLite',
    figure: spreadOf([peakMemory / 1e6]),
    unit: 'MB',
    goal: { atMost: 200 },
    detail: `${formatNumber(idle / 1e6)} MB before; ${formatNumber(responses)} responses`,
  }
}

/** Reports the peak memory of a server that a crowd sends large bodies to. */
export const bodyMemory: Benchmark = async (effort, databases) => {
  const fixture = await openFixture(await databases.create('bodies'), 'bench')
  await fixture.close()
  return [await peakOf(fixture.location, false, effort), await peakOf(fixture.location, true, effort)]
}
