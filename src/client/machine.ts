/**
 * Derives the installation id of a program from the computer that it runs on, for programs on Bun, Deno and Node.
 *
 * @module
 */
import { localMachine } from './local-machine.ts'
import { installationIdOn } from './machine-id.ts'
import { readApp } from './option-checks.ts'

/**
 * An installation id for the option `installationId` of a program whose store may vanish: the same at every start on this
 * computer, another for each `app`. It is a UUID (RFC 9562 version 8) from HMAC-SHA-256 under the id of the operating system,
 * as `sd_id128_get_machine_app_specific` of systemd makes one. So the computer's own id stays on it.
 *
 * Resolves to `null` in a container, where ids are shared or new at each start, and on a computer without an id that can be
 * read. On Deno it needs `--allow-all`. Otherwise it resolves to `null`, and asks nobody. It takes five seconds at most for
 * each of two reports of the operating system. Copies of one virtual machine may have one id.
 *
 * @throws {TypeError} if `app` is no slug of an app.
 *
 * @example
 * ```ts
 * import { createLicenseClient, type LicenseClient, type LicenseClientOptions } from 'heartwood/client'
 * import { machineInstallationId } from 'heartwood/client/machine'
 *
 * export async function open(options: LicenseClientOptions): Promise<LicenseClient> {
 *   const installationId = await machineInstallationId(options.app)
 *   return createLicenseClient({ ...options, ...(installationId !== null && { installationId }) })
 * }
 * ```
 */
export async function machineInstallationId(app: string): Promise<string | null> {
  return installationIdOn(localMachine(), readApp(app))
}
