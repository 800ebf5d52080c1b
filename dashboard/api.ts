import { createLicensingClient, LicensingError, type LicensingClient } from '../src/sdk/index.ts'
import { endSession } from './session.ts'
import { base } from './place.ts'

/** A session that has ended shows the sign-in, whatever the page was doing. */
async function send(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init)
  if (response.status === 401) endSession()
  return response
}

/** The public API, with the session of this page. */
export const licensing: LicensingClient = createLicensingClient({
  baseUrl: base.href,
  session: true,
  fetch: send,
})

/** The code of an error of the API; `undefined` for any other error. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof LicensingError ? error.code : undefined
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
