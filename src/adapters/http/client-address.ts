import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/** True if an address belongs to a trusted proxy. */
export type IsTrusted = (address: string) => boolean

/** Rate-limit key for requests without a known address. */
export const unknownAddress = 'unknown'

/** Bytes of a /64. Providers give each customer at least a /64 of IPv6, so one /64 counts as one client. */
const networkBytes = 8

/** Reads whole addresses only: ipaddr.js alone would take `10` for 0.0.0.10. */
function parse(text: string): Address | null {
  const isWhole = text.includes(':') ? ipaddr.IPv6.isValid(text) : ipaddr.IPv4.isValidFourPartDecimal(text)
  return isWhole ? ipaddr.process(text) : null
}

function malformedProxies(): TypeError {
  return new TypeError('trustedProxies must be a list of IP addresses or ranges such as 10.0.0.0/8')
}

function readRange(range: string): [Address, number] {
  const [base = ''] = range.split('/', 1)
  const address = parse(base)
  if (address === null || !(base === range || ipaddr.isValidCIDR(range))) throw malformedProxies()
  return base === range ? [address, address.kind() === 'ipv4' ? 32 : 128] : ipaddr.parseCIDR(range)
}

/** Reads the addresses and CIDR ranges of trusted proxies. @throws {TypeError} for a malformed one. */
export function trustedProxies(ranges: readonly string[] = []): IsTrusted {
  if (!Array.isArray(ranges) || !ranges.every((range) => typeof range === 'string')) throw malformedProxies()
  const read = ranges.map(readRange)
  return (text) => {
    if (read.length === 0) return false
    const address = parse(text)
    return (
      address !== null &&
      read.some(([range, bits]) => range.kind() === address.kind() && address.match(range, bits))
    )
  }
}

/**
 * The address of the client that sent a request: the address of the socket, unless that is a trusted proxy. Behind
 * trusted proxies it is the last untrusted address in `X-Forwarded-For`, because anybody can write the ones before it.
 */
export function clientAddressOf(request: Request, socketAddress: string, isTrusted: IsTrusted): string {
  if (!isTrusted(socketAddress)) return socketAddress
  const forwarded = request.headers.get('x-forwarded-for')
  if (forwarded === null) return socketAddress
  const hops = [...forwarded.split(',').map((hop) => hop.trim()), socketAddress].filter((hop) => hop !== '')
  let client = socketAddress
  for (const hop of hops.reverse()) {
    if (parse(hop) === null) return client
    client = hop
    if (!isTrusted(hop)) return client
  }
  return client
}

/** Cache: address to rate-limit key. Parsing an address is half the cost of limiting a request. */
const keys = new Map<string, string>()
const maxKeys = 10_000

/** The rate-limit key of an address: an IPv4 address itself, or the /64 of an IPv6 address. */
export function rateLimitKey(address: string): string {
  const cached = keys.get(address)
  if (cached !== undefined) return cached
  if (keys.size === maxKeys) keys.clear()
  const key = readKey(address)
  keys.set(address, key)
  return key
}

function readKey(text: string): string {
  const address = parse(text)
  if (address === null) return unknownAddress
  if (address.kind() === 'ipv4') return address.toString()
  const network = address.toByteArray().slice(0, networkBytes)
  return network.map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
