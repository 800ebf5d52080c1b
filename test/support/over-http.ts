import { licensingServer } from '../../src/adapters/elysia.ts'
import { startListener } from '../../src/cli/listener.ts'
import { LicenseKeyCredential, type AuthenticatedKey, type Licensing } from '../../src/core/index.ts'
import { createLicensingClient, type LicensingClient } from '../../src/sdk/index.ts'

/** The key of the host: it may do over HTTP whatever the host may do in process. It protects nothing. */
const hostSecret = 'sk_live_host'
const host = { id: 'host' } as AuthenticatedKey

function withHostKey(licensing: Licensing): Licensing {
  const { apiKeys } = licensing
  return {
    ...licensing,
    apiKeys: {
      ...apiKeys,
      authenticate: async (secret) => (secret === hostSecret ? host : apiKeys.authenticate(secret)),
    },
    restrictedTo: (principal) => (principal === host ? licensing : licensing.restrictedTo(principal)),
  }
}

/** Serves licensing on a port of this machine, and resolves to a client with all rights. */
async function listen(licensing: Licensing): Promise<LicensingClient> {
  const app = licensingServer(withHostKey(licensing), { standalone: true })
  const listener = await startListener(
    { fetch: (request) => app.fetch(request) },
    { port: 0, host: '127.0.0.1' },
  )
  // A fresh RSA-4096 pair takes Deno more than half a minute on a busy machine.
  const timeoutMs = 600_000
  return createLicensingClient({ baseUrl: listener.url, apiKey: hostSecret, retries: 0, timeoutMs })
}

/** The same licensing, but every use case that HTTP reaches goes over a port. The listener ends with the process. */
export async function overHttp(licensing: Licensing): Promise<Licensing> {
  const remote = await listen(licensing)
  return {
    ...licensing,
    ...remote,
    audit: { ...licensing.audit, ...remote.audit },
    // Mode, key pair and handlers stay with the process. Calls that give them stay too.
    apps: {
      ...remote.apps,
      trust: licensing.apps.trust,
      create: (app, options) =>
        options === undefined ? remote.apps.create(app) : licensing.apps.create(app, options),
      list: (query, options) =>
        options === undefined ? remote.apps.list(query) : licensing.apps.list(query, options),
      all: (options) => (options === undefined ? remote.apps.all() : licensing.apps.all(options)),
    },
    licenseKeys: {
      ...licensing.licenseKeys,
      ...remote.licenseKeys,
      activate: (app, licenseKey, activation, options) =>
        licenseKey instanceof LicenseKeyCredential || options?.admit !== undefined
          ? licensing.licenseKeys.activate(app, licenseKey, activation, options)
          : remote.licenseKeys.activate(app, licenseKey, activation, options),
      release: (app, id, holder) =>
        holder?.licenseKey instanceof LicenseKeyCredential
          ? licensing.licenseKeys.release(app, id, holder)
          : remote.licenseKeys.release(app, id, holder),
    },
    licenses: {
      ...licensing.licenses,
      ...remote.licenses,
      renew: (app, id, token, options) =>
        typeof token === 'string' && options?.admit === undefined
          ? remote.licenses.renew(app, id, token, options)
          : licensing.licenses.renew(app, id, token, options),
    },
    verification: { ...licensing.verification, ...remote.verification },
    apiKeys: { ...licensing.apiKeys, ...(remote.apiKeys as Licensing['apiKeys']) },
    rotateKeys: (app, options, keyPair) =>
      keyPair === undefined && options?.recover === undefined
        ? remote.rotateKeys(app, options)
        : licensing.rotateKeys(app, options, keyPair),
  }
}
