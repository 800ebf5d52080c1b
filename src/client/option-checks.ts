import { typeIdSuffix } from '../core/typeid.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const licenseId = new RegExp(`^lic_${typeIdSuffix}$`)

function refuse(name: string, rule: string): never {
  throw new TypeError(`${name} must be ${rule}`)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

/** An optional text; `null` if it is absent. */
export function readText(name: string, value: unknown): string | null {
  if (value === undefined || value === null) return null
  return isText(value) ? value : refuse(name, 'a string')
}

/** The slug of an app, which is the audience of its tokens. */
export function readApp(value: unknown): string {
  return isText(value) && /^[a-z0-9-]{1,63}$/.test(value) ? value : refuse('app', 'the slug of an app')
}

/** A UUID as tokens spell it: the server accepts no other form either, but for its case. */
export function readUuid(name: string, value: unknown): string | null {
  const text = readText(name, value)?.toLowerCase() ?? null
  if (text !== null && !uuid.test(text)) refuse(name, 'a UUID with hyphens and no braces')
  return text
}

/** A license's API id or UUID. */
export function readLicenseId(value: unknown): string | null {
  const text = readText('licenseId', value)?.toLowerCase() ?? null
  const isId = text === null || licenseId.test(text) || uuid.test(text)
  return isId ? text : refuse('licenseId', 'the id (lic_…) or UUID of a license')
}

/** The server's own rule for issuers. */
export function readIssuer(value: unknown): string {
  const text = readText('issuer', value) ?? 'license-server'
  const isIssuer = text.length > 0 && text.length <= 255 && !/\p{Cc}/u.test(text)
  return isIssuer ? text : refuse('issuer', '1 to 255 characters without control characters')
}

/** The server keeps 64 printable ASCII characters of name, version and platform. */
export function readVersion(value: unknown): string | null {
  const text = readText('programVersion', value)
  const isVersion = text === null || /^[!-~]{1,32}$/.test(text)
  return isVersion ? text : refuse('programVersion', '1 to 32 printable ASCII characters without blanks')
}

/** A date of ISO 8601, or a time of RFC 3339, in seconds since 1970. */
export function readDate(name: string, value: unknown): number | undefined {
  const text = readText(name, value)
  if (text === null) return undefined
  const time = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : NaN
  return time >= 0 ? Math.floor(time / 1000) : refuse(name, 'a date such as 2027-03-01')
}

export function readFlag(name: string, value: unknown, byDefault: boolean): boolean {
  const flag = value ?? byDefault
  return typeof flag === 'boolean' ? flag : refuse(name, 'true or false')
}

/** Checks a function of the program; undefined stands for the default. */
export function checkFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') refuse(name, 'a function')
}

export function checkStore(value: unknown): void {
  const { read, write } = Object(value ?? undefined) as { readonly read?: unknown; readonly write?: unknown }
  const isStore = typeof read === 'function' && typeof write === 'function'
  if (value !== undefined && !isStore) refuse('store', 'an object with the functions read and write')
}

/** Chrome before 120, Firefox before 115 and Safari before 17 lack `URL.canParse`. */
function parseUrl(name: string, text: string): URL {
  try {
    return new URL(text)
  } catch {
    return refuse(name, 'an address such as https://licenses.example.com')
  }
}

/** Takes `/api/v1` off, which the client adds itself. @throws {TypeError} */
export function readBaseUrl(value: unknown): URL {
  const url = parseUrl('baseUrl', `${value as string}`)
  url.pathname = url.pathname.replace(/\/+$/, '').replace(/\/api\/v1$/, '')
  return url
}
