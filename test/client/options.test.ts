import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { createLicenseClient, type LicenseClientOptions } from '../../src/client/index.ts'
import { createTestServer, type TestClientOptions, type TestServer } from '../../src/testing/server.ts'

let server: TestServer
let options: TestClientOptions

before(async () => {
  server = await createTestServer()
  options = { ...(await server.clientOptions()), background: false } as TestClientOptions
})

const uuid = '7d444840-9dc0-11d1-b245-5ffdce74fad2'
const thumbprint = 'inBb-o2Kd_MU-vnxPXE2OgrwCWYXSKgZEMN3pCvkuz0'

/** Values with which a program could never have a good license, or that mean something else than their author thinks. */
const unusable: Readonly<Partial<Record<keyof LicenseClientOptions, readonly unknown[]>>> = {
  installationId: [`{${uuid}}`, uuid.replaceAll('-', ''), `urn:uuid:${uuid}`, ` ${uuid}`, '', 'machine-1', 7],
  licenseId: [`{${uuid}}`, uuid.replaceAll('-', ''), 'cus_01h455vb4pex5vsknk084sn02q', 'lic_1', '', 7],
  issuer: ['', 'line\nbreak', 'x'.repeat(256), 7],
  app: [undefined, null, 7, 'Desktop-App', ''],
  baseUrl: [undefined, null, '', 'licenses.example.com', '/api/v1', 'https://', 7],
  token: [7, {}],
  refreshKeys: [
    { from: 'jwks.json', pin: [`${thumbprint.slice(0, -1)}1`] },
    { from: 'jwks.json', pin: [7] },
  ],
  policy: [null, 'block'],
  background: ['false', 0],
  allowHttp: ['true', 1],
  programVersion: ['', '2.3 beta', 'x'.repeat(33), 'läuft', '1\n2', 7],
  releasedAt: [
    '2027-3-1',
    '1.3.2027',
    '2027-03-01T10:00:00',
    '2027-13-01',
    '1969-12-31',
    '',
    1803859200,
    new Date(),
  ],
  store: [{}, 'license.json', { read: async () => null }, null],
  fetch: ['fetch'],
  now: [Date.now()],
  schedule: [60],
  maxOfflineDays: [null, '30'],
  refreshHours: ['24', Infinity],
  graceDays: ['7', null],
}

for (const [name, values] of Object.entries(unusable))
  test(`createLicenseClient(): refuses a ${name} that can never match, and names the option`, async () => {
    for (const value of values) {
      const given = { ...options, [name]: value } as LicenseClientOptions
      await assert.rejects(createLicenseClient(given), (error: unknown) => {
        assert.ok(error instanceof TypeError, `${JSON.stringify(value)}`)
        assert.match(error.message, new RegExp(`^${name} must `))
        return true
      })
    }
  })

test('createLicenseClient(): takes an installation or license in capitals, and options that are null or undefined', async () => {
  const { id, token } = await server.issue({ forever: true, installationId: uuid })
  const { license } = await createLicenseClient({ ...options, token })
  const given: readonly object[] = [
    { installationId: uuid.toUpperCase() },
    { licenseId: license.claims?.lic_id.toUpperCase() },
    { licenseId: id, installationId: undefined, issuer: undefined },
    { licenseId: null, installationId: null, issuer: null },
  ]
  for (const some of given)
    assert.equal((await createLicenseClient({ ...options, token, ...some })).license.state, 'active')
})

test('createLicenseClient(): takes a baseUrl with /api/v1, which it adds itself', async () => {
  const { token } = await server.issue({ forever: true })
  const { baseUrl } = options
  for (const end of ['', '/', '/api/v1', '/api/v1/']) {
    const client = await createLicenseClient({
      ...options,
      baseUrl: `${baseUrl.replace(/\/$/, '')}${end}`,
      token,
    })
    assert.equal((await client.refresh()).lastAttempt?.outcome, 'refreshed', end)
  }
})
