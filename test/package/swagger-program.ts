// swagger-browser.test.ts runs this on each runtime. It requests the page and its files from the built package.
import { createLicensing } from 'heartwood'
import { licensingServer } from 'heartwood/elysia'
import { memoryStorage } from 'heartwood/storage/memory'

const masterKey = crypto.getRandomValues(new Uint8Array(32))
const app = licensingServer(await createLicensing({ storage: memoryStorage(), masterKey }))
const files = ['', '/json', '/start.js', '/swagger-ui.css', '/swagger-ui-bundle.js', '/favicon.png']
for (const file of files) {
  const response = await app.fetch(new Request(`http://localhost/swagger${file}`))
  console.log(`${response.status} ${response.headers.get('content-type')?.split(';')[0]}`)
}
