// A page that needs a license. Run it: bun examples/client-browser.html
// The license server must allow the page's origin (corsOrigins), because a renewal is more than a public read.
import { createLicenseClient, localStorageStore, type ClientLicense } from 'heartwood/client'

/** Your app's public key, from `/public-key`. Ship it as part of the page, like the code. */
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

type Feature = 'export'

const client = await createLicenseClient<Feature>({
  baseUrl: document.documentElement.dataset.licenseServer ?? '',
  app: 'desktop-app',
  publicKeys,
  store: localStorageStore(),
})

function element<T extends Element>(selector: string): T {
  const found = document.querySelector<T>(selector)
  if (found === null) throw new Error(`The page has no ${selector}`)
  return found
}

function show({ state, reason, tier, has }: ClientLicense<Feature>): void {
  element('#state').textContent = state
  element('#reason').textContent = tier === null ? reason : `${reason} (${tier})`
  element<HTMLButtonElement>('#export').disabled = !has('export')
}

client.on('change', show)
show(client.license)

element('form').addEventListener('submit', (event) => {
  event.preventDefault()
  const token = element<HTMLTextAreaElement>('#token').value
  client.setToken(token).catch((error: Error) => {
    element('#reason').textContent = error.message
  })
})

element('#refresh').addEventListener('click', () => void client.refresh())
