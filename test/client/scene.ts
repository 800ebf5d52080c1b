import { createLicenseClient, type LicenseClient, type LicenseClientOptions } from '../../src/client/index.ts'
import { createTestServer, type TestServer } from '../../src/testing/server.ts'

/** A client with a license without end before its server. */
export interface Scene {
  readonly server: TestServer
  readonly client: LicenseClient
  readonly id: string
  readonly token: string
}

export async function openScene(
  options: Partial<LicenseClientOptions> = {},
  features: readonly string[] = [],
): Promise<Scene> {
  const server = await createTestServer({ features })
  const { id, token } = await server.issue({ forever: true })
  const client = await createLicenseClient({ ...(await server.clientOptions()), token, ...options })
  return { server, client, id, token }
}
