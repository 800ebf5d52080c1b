import { invalidInput } from '../input/parse.ts'

const form = /^https?:\/\/[^/\\]/i
// Rejects characters that `URL` silently removes or rewrites, because a reader would not see that.
const odd = /[\s\\]|\p{Cc}/u
const privateName = /(?:^|\.)(?:localhost|local|internal)$/

/** True for a name that public DNS can know. `URL` has written every IP address in one of two forms. */
function isPublicName(hostname: string): boolean {
  const name = hostname.replace(/\.$/, '')
  const isAddress = name.startsWith('[') || /^[\d.]+$/.test(name)
  return !isAddress && name.includes('.') && !privateName.test(name)
}

function isGood(address: string, allowPrivateTargets: boolean): boolean {
  if (!form.test(address) || odd.test(address) || !URL.canParse(address)) return false
  const { protocol, username, password, port, hostname } = new URL(address)
  if (username !== '' || password !== '' || port === '0') return false
  return allowPrivateTargets || (protocol === 'https:' && isPublicName(hostname))
}

/**
 * Checks the URL of a webhook. The addresses of its name are checked at each delivery.
 *
 * @throws {LicensingError} `validation_error`.
 */
export function checkWebhookUrl(address: string | null | undefined, allowPrivateTargets: boolean): void {
  if (address === null || address === undefined || isGood(address, allowPrivateTargets)) return
  throw invalidInput({ webhookUrl: ['must be an https address with a public name, without credentials'] })
}
