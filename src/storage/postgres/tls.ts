import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { AddressError } from './address-error.ts'

/** The driver's option `ssl`. */
export type Tls = false | 'prefer' | 'require' | 'verify-full' | Readonly<Record<string, unknown>>

/** The parameters of an address that are about TLS. */
export const tlsParameters: readonly string[] = [
  'sslmode',
  'ssl',
  'sslnegotiation',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'sslaccept',
]

type Given = Readonly<Record<string, string | undefined>>
type Files = Readonly<Record<string, string>>

/** libpq's modes, and the words of other drivers. `verify-ca` checks the name too, as the driver does. */
const modes = new Map<string, Tls>([
  ['disable', false],
  ['allow', 'prefer'],
  ['prefer', 'prefer'],
  ['require', 'require'],
  ['no-verify', 'require'],
  ['verify-ca', 'verify-full'],
  ['verify-full', 'verify-full'],
])

/** The words of `ssl`, which other drivers have for `sslmode`. */
const sslWords = new Map([
  ['true', 'verify-full'],
  ['1', 'verify-full'],
  ['false', 'disable'],
  ['0', 'disable'],
])

function modeOf({ sslmode, ssl, sslaccept }: Given): Tls | undefined {
  const name = sslmode ?? (ssl === undefined ? undefined : (sslWords.get(ssl) ?? ssl))
  const mode = name === undefined ? undefined : modes.get(name)
  if (name !== undefined && mode === undefined) {
    const parameter = sslmode === undefined ? 'ssl' : 'sslmode'
    throw new AddressError(`must have one of ${[...modes.keys()].join(', ')} as its ${parameter}`)
  }
  // Prisma's word for a certificate that is checked.
  return mode === 'require' && sslaccept === 'strict' ? 'verify-full' : mode
}

/** Checks the text, because the driver would throw where nobody can catch it. */
function readFile(given: Given, name: string, option: 'ca' | 'cert' | 'key'): Files {
  const path = given[name]
  if (path === undefined || (path === 'system' && option === 'ca')) return {}
  try {
    const files = { [option]: readFileSync(path, 'utf8') }
    if (!/^-----BEGIN /m.test(files[option]!)) throw new Error('The file is not PEM')
    if (option !== 'key') createSecureContext(files)
    return files
  } catch (cause) {
    throw new AddressError(`must name a file in PEM that can be read as its ${name}`, { cause })
  }
}

/** @throws {AddressError} that names the parameter at fault, never its value. */
export function readTls(given: Given): Tls | undefined {
  const mode = modeOf(given)
  if (mode === false) return false
  const files = {
    ...readFile(given, 'sslrootcert', 'ca'),
    ...readFile(given, 'sslcert', 'cert'),
    ...readFile(given, 'sslkey', 'key'),
  }
  // As in libpq, a root certificate is there to be checked against.
  const isVerified = mode === 'verify-full' || given['sslrootcert'] !== undefined
  if (Object.keys(files).length > 0) return { ...files, rejectUnauthorized: isVerified }
  return isVerified ? 'verify-full' : mode
}
