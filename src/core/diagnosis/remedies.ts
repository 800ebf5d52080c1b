import type { AppRecord, LicenseRecord } from '../storage/index.ts'
import { action } from './wording.ts'

/** The parts of a license that a remedy names. */
type Named = Pick<LicenseRecord, 'id' | 'licenseKeyId'>

const sendToken = 'then send the customer the new token'

/** Sends the token that the license has now. */
export function sendNewest(app: AppRecord, { id }: Pick<LicenseRecord, 'id'>): string {
  return `Send the customer the newest token: ${action(`licenses get ${id}`, app, `GET /licenses/${id}`)}.`
}

/** Moves the end of a license, or of the license key that its end comes from. */
export function extend(app: AppRecord, { id, licenseKeyId }: Named): string {
  if (licenseKeyId === null) {
    const change = action(`licenses update ${id} --days 365`, app, `PUT /licenses/${id}`)
    return `Extend the license: ${change}; ${sendToken}, because an ended one cannot renew itself.`
  }
  const change = action(
    `license-keys update ${licenseKeyId} --days 365`,
    app,
    `PUT /license-keys/${licenseKeyId}`,
  )
  return `Extend the license key: ${change}. The program then activates again with its license key.`
}

/** Undoes a revocation. */
export function reinstate(app: AppRecord, { id, licenseKeyId }: Named, isByKey: boolean): string {
  if (isByKey && licenseKeyId !== null) return reinstateKey(app, licenseKeyId)
  const undo = action(`licenses reinstate ${id}`, app, `POST /licenses/${id}/reinstate`)
  return `If the revocation was wrong, reinstate the license: ${undo}; ${sendToken}.`
}

export function reinstateKey(app: AppRecord, id: string): string {
  const undo = action(`license-keys reinstate ${id}`, app, `POST /license-keys/${id}/reinstate`)
  return `If the revocation was wrong, reinstate the license key: ${undo}. Its programs then activate again.`
}

/** Gives a license another tier. */
export function giveTier(app: AppRecord, { id, licenseKeyId }: Named): string {
  const [noun, name] = licenseKeyId === null ? ['licenses', id] : ['license-keys', licenseKeyId]
  return `Give it another tier: ${action(`${noun} update ${name} --tier TIER`, app, `PUT /${noun}/${name}`)}.`
}

/** Issues the claims of a license anew. */
export function regenerate(app: AppRecord, { id }: Named): string {
  const again = action(`licenses regenerate ${id}`, app, `POST /licenses/${id}/regenerate`)
  return `If the program needs them now, regenerate the license: ${again}. Otherwise it gets them with its next renewal.`
}

/** Takes a seat again. */
export function activateAgain(app: AppRecord, { licenseKeyId }: Named): string {
  const seats =
    licenseKeyId === null
      ? ''
      : ` The seats: ${action(`license-keys seats ${licenseKeyId}`, app, `GET /licenses?license_key_id=${licenseKeyId}`)}.`
  return `The customer enters the license key in the program again: POST /api/v1/apps/${app.slug}/license-keys/activate.${seats}`
}

/** Issues a license in place of one that is gone. */
export function issueAgain(app: AppRecord): string {
  return `If the customer should have one, issue it: ${action('licenses create', app, 'POST /licenses')}.`
}

/** Makes a license key in place of one that is gone. */
export function sellAgain(app: AppRecord): string {
  return `If the customer should have one, make it: ${action('license-keys create', app, 'POST /license-keys')}.`
}

/** Makes room on a full license key. */
export function makeRoom(app: AppRecord, id: string): string {
  const seats = action(`license-keys seats ${id}`, app, `GET /licenses?license_key_id=${id}`)
  const more = action(`license-keys update ${id} --seats N`, app, `PUT /license-keys/${id}`)
  const release = action('license-keys release LICENSE', app, 'POST /licenses/LICENSE/release')
  return `Release a seat that nobody uses: ${seats}, then ${release}. Or sell more: ${more}.`
}

/** Shows the text that a license key has now. */
export function showKey(app: AppRecord, id: string): string {
  return `Send the customer the present text: ${action(`license-keys get ${id}`, app, `GET /license-keys/${id}?include=key`)}.`
}

/** Asks for something that leads further. */
export const askForMore =
  'Ask the customer for the license key, for the e-mail address of the order, or for the whole token without a line missing.'
