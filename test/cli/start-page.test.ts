import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyFolder, startServer } from './heartwood.ts'

const linksIn = (text: string): readonly string[] =>
  [...text.matchAll(/href="([^"]+)"/g)].map(([, href = '']) => href)

for (const way of ['Bun', 'Deno', 'Node'] as const)
  test(`heartwood serve on ${way}: GET / is a small page whose links lead to the rest`, async (t) => {
    const { url } = await startServer(t, { cwd: emptyFolder(t), way })
    const response = await fetch(`${url}/?from=mail`)
    assert.deepEqual(
      [response.status, response.headers.get('content-type')],
      [200, 'text/html; charset=utf-8'],
    )
    assert.match(response.headers.get('content-security-policy') ?? '', /^default-src 'none';/)
    const links = linksIn(await response.text())
    assert.deepEqual(links, ['dashboard', 'swagger', 'api/health'])
    for (const link of links) assert.equal((await fetch(new URL(link, `${url}/`))).status, 200, link)
    const head = await fetch(`${url}/`, { method: 'HEAD' })
    assert.deepEqual([head.status, await head.text()], [200, ''])
    assert.equal((await fetch(`${url}/`, { method: 'POST' })).status, 404)
    assert.equal((await fetch(`${url}/index.html`)).status, 404)
  })

test('heartwood serve: GET / names no dashboard that is off', async (t) => {
  const { url } = await startServer(t, { cwd: emptyFolder(t), env: { HEARTWOOD_DASHBOARD: 'off' } })
  assert.deepEqual(linksIn(await (await fetch(`${url}/`)).text()), ['swagger', 'api/health'])
})
