import type { LicenseRecord, NumericDate } from '../storage/index.ts'

const clientForm = /^[ -~]{1,64}$/

/** The sign of life that a renewal or an activation leaves in the license. `client` is how the program names itself. */
export function signOfLife(
  now: NumericDate,
  kid: string,
  client = '',
): Pick<LicenseRecord, 'seenAt' | 'seenKid' | 'seenClient'> {
  return { seenAt: now, seenKid: kid, seenClient: clientForm.test(client) ? client : null }
}
