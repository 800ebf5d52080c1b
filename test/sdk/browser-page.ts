import {
  createLicensingClient,
  RemoteError,
  type KeyClientOptions,
  type SessionClientOptions,
} from '../../src/sdk/index.ts'

/** Options that a test can hand to a page: functions stay where they are. */
export type PageOptions = Omit<KeyClientOptions, 'fetch'> | Omit<SessionClientOptions, 'fetch'>

/** The functions of the page that the test calls. */
export interface SdkPage {
  /** Lives through the flow of a sale. Resolves to what the test compares. */
  sell(options: PageOptions): Promise<readonly unknown[]>
  /** The code and the status of the error of one call, or the name of a TypeError. */
  fail(options: PageOptions): Promise<readonly unknown[]>
  /** As `sell`, with a fetch of the page's own. Resolves to the paths that it was given. */
  fetchItself(options: PageOptions): Promise<readonly string[]>
}

const page: SdkPage = {
  sell: async (options) => {
    const { tiers, customers, licenses, verification } = createLicensingClient(options)
    const { customer, created } = await customers.getOrCreate('desktop-app', { email: 'grace@example.com' })
    const installationId = crypto.randomUUID()
    const license = await licenses.create('desktop-app', {
      installationId,
      customerId: customer.id,
      tierId: 'pro',
      expiresAt: new Date('2031-01-01'),
    })
    const { valid } = await verification.verifyToken('desktop-app', license.token)
    const found: string[] = []
    for await (const { id } of licenses.all('desktop-app', { customerId: customer.id })) found.push(id)
    await licenses.delete('desktop-app', license.id)
    const [tier] = (await tiers.list('desktop-app')).data
    return [created, license.expiresAt, valid, found.includes(license.id), tier?.features]
  },
  fail: async (options) => {
    try {
      await createLicensingClient(options).apps.create({ name: 'n', slug: 'desktop-app' })
      return ['ok']
    } catch (error) {
      return error instanceof RemoteError
        ? [error.code, error.status, typeof error.requestId]
        : [(error as Error).message]
    }
  },
  fetchItself: async (options) => {
    const paths: string[] = []
    const own = (url: string, init: RequestInit): Promise<Response> => {
      paths.push(new URL(url).pathname)
      return fetch(url, init)
    }
    await createLicensingClient({ ...options, fetch: own }).apps.get('desktop-app')
    return paths
  },
}

Object.assign(globalThis, { page })
