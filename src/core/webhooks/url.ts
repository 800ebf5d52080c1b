import { invalidInput } from '../input/parse.ts'

const form = /^https?:\/\/[^/\\]/i
// What URL parsing would drop or turn, a reader would not see.
const odd = /[\s\\]|\p{Cc}/u
const privateName = /(?:^|\.)(?:localhost|local|internal)$/

/** A name that public DNS can know. URL parsing has turned every spelling of an address into one of two. */
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
 * Judges an address that events would be sent to. Where its name leads is judged again whenever something is sent.
 *
 * @throws {LicensingError} `validation_error`.
 */
export function checkWebhookUrl(address: string | null | undefined, allowPrivateTargets: boolean): void {
  if (address === null || address === undefined || isGood(address, allowPrivateTargets)) return
  throw invalidInput({ webhookUrl: ['must be an https address with a public name, without credentials'] })
}
