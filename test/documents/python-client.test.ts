import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { emptyFolder, sameRuntime, startServer } from '../cli/heartwood.ts'
import { lackingPython, python } from '../support/left-out.ts'
import { documentText } from './documents.ts'
import { call, issue, makeApp, publicKey } from './vendor.ts'

const skip = lackingPython('the Python client of license-regeneration.txt')

const client = /^import requests\n[\s\S]+?payload\.get\("features", \[\]\)\n/m.exec(
  documentText('license-regeneration'),
)![0]

const program = `
import json, sys
import jwt
from client_license import LicenseClient

app, license_id, token, pem = json.load(sys.stdin)
client = LicenseClient(app, license_id, token)
assert client.get_features() == ["api_access"]
assert client.refresh_token() and client.token != token
payload = jwt.decode(client.token, pem, algorithms=["RS256"], audience=app, issuer="license-server")
try:
    jwt.decode(client.token, pem, algorithms=["RS256"], audience="another-app")
    audience_checked = False
except jwt.InvalidAudienceError:
    audience_checked = True
print(json.dumps([client.get_features(), payload["features"], audience_checked]))
`

test("the document's Python client: refreshes its token and reads its features", { skip }, async (t) => {
  const cwd = emptyFolder(t)
  const server = await startServer(t, { cwd, way: sameRuntime })
  const vendor = { server, key: server.key }
  await makeApp(vendor)
  const license = await issue(vendor)
  const feature = { name: 'Webhooks', slug: 'webhooks' }
  await call(vendor, ['POST', '/apps/my-app/tiers/pro/features', 201], feature)
  assert.equal(client.split('https://license.yourapp.com').length, 2)
  writeFileSync(join(cwd, 'client_license.py'), client.replace('https://license.yourapp.com', server.url))
  writeFileSync(join(cwd, 'program.py'), program)
  const running = promisify(execFile)(python!, [join(cwd, 'program.py')], { timeout: 60_000 })
  running.child.stdin?.end(JSON.stringify(['my-app', license.id, license.token, await publicKey(vendor)]))
  const features = ['api_access', 'webhooks']
  assert.deepEqual(JSON.parse((await running).stdout), [features, features, true])
})
