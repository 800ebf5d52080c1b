import ipaddr from 'ipaddr.js'
import { lookup } from 'node:dns/promises'

/** An address that a name leads to. */
export interface Address {
  readonly address: string
  readonly family: 4 | 6
}

/** Finds the addresses of a name. */
export type Resolve = (hostname: string) => Promise<readonly Address[]>

/** What the system itself would connect to: its resolver, its hosts file. */
export const systemResolve: Resolve = async (hostname) => {
  const found = await lookup(hostname, { all: true })
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }))
}

const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3')
const nat64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96')

function isPublicV6(address: ipaddr.IPv6): boolean {
  // On networks without IPv4 the resolver itself makes these, of addresses that may be public.
  if (address.match(nat64)) return isPublicV4(new ipaddr.IPv4(address.toByteArray().slice(12)))
  return address.match(globalUnicast) && address.range() === 'unicast'
}

function isPublicV4(address: ipaddr.IPv4): boolean {
  return address.range() === 'unicast'
}

/** In the one spelling of each kind: `127.1` is no address. */
function isAddress(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text)
}

/** Whether an address is public unicast, by the registries of IANA; everything else is somebody's own. */
export function isPublic(text: string): boolean {
  if (!isAddress(text)) return false
  const address = ipaddr.parse(text)
  return address instanceof ipaddr.IPv6 ? isPublicV6(address) : isPublicV4(address)
}

/** The address that a URL's host spells out, if it does. */
function literalOf(hostname: string): Address | null {
  const text = hostname.replace(/^\[|\]$/g, '')
  if (!isAddress(text)) return null
  return { address: text, family: ipaddr.parse(text).kind() === 'ipv6' ? 6 : 4 }
}

/** Why nothing was sent. */
export class RefusedTarget extends Error {}

/**
 * The one address that a URL may be connected to: found once and judged, so that no second answer of a name server can
 * lead elsewhere. Of several every one must be good, since a name that leads inside as well is no public name.
 *
 * @throws {RefusedTarget}
 */
export async function judgedAddress(url: URL, resolve: Resolve, allowPrivate: boolean): Promise<Address> {
  const literal = literalOf(url.hostname)
  const found = literal === null ? await resolve(url.hostname) : [literal]
  const [first] = found
  if (first === undefined) throw new RefusedTarget('The name has no address')
  if (!allowPrivate && !found.every(({ address }) => isPublic(address)))
    throw new RefusedTarget('The address is not public')
  return first
}
