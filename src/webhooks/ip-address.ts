import ipaddr from 'ipaddr.js'
import { lookup } from 'node:dns/promises'

/** An IP address. */
export interface IpAddress {
  /** The address as text, such as `93.184.215.14` or `2606:4700::1111`. */
  readonly address: string
  readonly family: 4 | 6
}

/** Finds the addresses of a host name. */
export type Resolve = (hostname: string) => Promise<readonly IpAddress[]>

/** Uses the resolver and the hosts file of the system. */
export const systemResolve: Resolve = async (hostname) => {
  const found = await lookup(hostname, { all: true })
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }))
}

const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3')
const nat64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96')

function isPublicV6(address: ipaddr.IPv6): boolean {
  // On a network without IPv4 the resolver maps IPv4 addresses into this range, and they may be public.
  if (address.match(nat64)) return isPublicV4(new ipaddr.IPv4(address.toByteArray().slice(12)))
  return address.match(globalUnicast) && address.range() === 'unicast'
}

function isPublicV4(address: ipaddr.IPv4): boolean {
  return address.range() === 'unicast'
}

/** Accepts only the usual spelling of an address: `127.1` is not one. */
function isAddress(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text)
}

/** True for a public unicast address by the IANA registries. Every other address may belong to a private network. */
export function isPublic(text: string): boolean {
  if (!isAddress(text)) return false
  const address = ipaddr.parse(text)
  return address instanceof ipaddr.IPv6 ? isPublicV6(address) : isPublicV4(address)
}

/** The address in a URL whose host is an address and not a name. */
function literalAddress(hostname: string): IpAddress | null {
  const text = hostname.replace(/^\[|\]$/g, '')
  if (!isAddress(text)) return null
  return { address: text, family: ipaddr.parse(text).kind() === 'ipv6' ? 6 : 4 }
}

/** A target that must receive nothing. The database stores the message and the HTTP API shows it. */
export class ForbiddenTarget extends Error {}

/**
 * Resolves the host of a URL to the addresses to connect to, at least one. It resolves once, so that a second DNS response
 * cannot lead elsewhere. Every address of the host must be public: a name that also leads inside a network is not trusted.
 *
 * @throws {ForbiddenTarget}
 */
export async function resolveTarget(
  url: URL,
  resolve: Resolve,
  allowPrivate: boolean,
): Promise<readonly [IpAddress, ...IpAddress[]]> {
  const literal = literalAddress(url.hostname)
  const found = literal === null ? await resolve(url.hostname) : [literal]
  const [first, ...others] = found
  if (first === undefined) throw new ForbiddenTarget('The name has no address')
  if (!allowPrivate && !found.every(({ address }) => isPublic(address)))
    throw new ForbiddenTarget('The address is not public')
  return [first, ...others]
}
