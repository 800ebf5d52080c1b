// A command-line program that needs a license.
// Run it: LICENSE_SERVER=http://localhost:4000 bun examples/client-cli.ts activate TOKEN
import { homedir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createLicenseClient, LicensingError } from 'heartwood/client'
import { fileStore } from 'heartwood/client/file'

/** Your app's public key, from `/public-key`. Keep it in the code: a person who can replace it can sign licenses. */
const publicKeys = `-----BEGIN PUBLIC KEY-----
MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEA2YFoR+m+LL3cdcH+HeOE
+SOAQvwsoBJTWdb3OLilD9GnCTRuGuYd2I6XSJUM6+rUO0CfuI7qAjdOV4riAI8a
pbslksErhF8o9PsLxQQdirD8h35J4XTL7PHX0fi6wtiSV3MsN/S8r6K7iVfcB3Ug
rcbfwZCil0fDd2wp29KLFxU/zwgXWl9UUUaNJ2Nl4gw1pM29N4mBbWBMFyxBgNsU
mQchrtv+bxsRuiqztVdUtF24+THX9HMSrJTWzcxi/6WEaSJxlqhf5U/Waw7Ducy5
tibhuiUwSqVA0nkyul6zzmFGDY6Pog4+osoVeJQT6Hr7fsAdIG+wLyWLJyqxjb/1
vP0jq9yriqvQkWSe+q3kOoW3sviOOB/05UalWGiIkhSImGJ+OcB6Vmh5fmouSYIe
T00NZYHHWUwQID2PqXH/3d0dElmTj/4M0dildjzjevWybAdWSUb2C5QoHG4eWD6P
VareUsXWB7OWsibyv97frsSB7Bqdod+DIMw+cFgIC5ecWWnnthgvvFAHpi0ogkv5
8GrfjXOzBwrQK9WjsUWgN00QYgerYYJfZJyjeL8qkIi5gz41z0sG4hL5rIoISto5
d6iBHfje2SoO+NMcpNNC8koDNog/2BGgupeSyGcvsPHc8bYGYRtCh9uCjnvxZCzS
lH2XLtmTd95TeIjGCBHrANcCAwEAAQ==
-----END PUBLIC KEY-----`

const client = await createLicenseClient<'export'>({
  baseUrl: process.env.LICENSE_SERVER ?? 'https://licenses.example.com',
  app: 'desktop-app',
  publicKeys,
  store: fileStore(join(process.env.HOME ?? homedir(), '.desktop-app', 'license.json')),
})

const [command, token = ''] = process.argv.slice(2)
if (command === 'activate') process.exitCode = await activate(token)
else if (command === 'export') process.exitCode = exportReport()
else process.exitCode = await status()
client.close()

async function activate(token: string): Promise<number> {
  try {
    const { state, tier, features } = await client.setToken(token)
    console.log(`${state}: ${tier}, with ${features.join(', ') || 'no features'}`)
    return 0
  } catch (error) {
    if (!(error instanceof LicensingError)) throw error
    console.log(error.message)
    return 1
  }
}

/** Uses the stored license only, because this command ends within milliseconds. `status` refreshes it. */
function exportReport(): number {
  const { license } = client
  if (license.verdict === 'warn') console.log(`Warning: ${license.reason}`)
  if (license.has('export')) console.log('Exported')
  else console.log(`Export is not licensed (${license.state}): ${license.reason}`)
  return license.has('export') ? 0 : 1
}

async function status(): Promise<number> {
  const { state, reason, action, verdict } = await client.refresh()
  console.log(`${state}: ${reason}${action === 'none' ? '' : ` (${action})`}`)
  return verdict === 'block' ? 1 : 0
}
