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

/** The parameter of RFC 7239, as some proxies write it into `X-Forwarded-For` too. */
const forParameter = /(?:^|;)\s*for\s*=\s*("[^"]*"|[^;]*)/i
/** An address with a port, or in brackets. */
const addressWithPort = /^(?:\[([^\]]*)\](?::[\w.-]+)?|((?:::ffff:)?\d+\.[\d.]*):[\w.-]+)$/i

/** Takes the address out of the forms in which proxies write it: with a port, brackets, quotes, `for=` or a zone. */
function bareAddress(text: string): string {
  const [, parameter = text] = forParameter.exec(text) ?? []
  const written = parameter.replaceAll('"', '').trim()
  const [, bracketed, dotted] = addressWithPort.exec(written) ?? []
  return (bracketed ?? dotted ?? written).replace(/%.*$/, '').trim()
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
    const address = parse(bareAddress(text))
    return (
      address !== null &&
      read.some(([range, bits]) => range.kind() === address.kind() && address.match(range, bits))
    )
  }
}

/** The hops of a request, from the socket to the client. */
function hopsOf(request: Request, socketAddress: string): readonly string[] {
  const forwarded = (request.headers.get('x-forwarded-for') ?? '').split(',')
  return [socketAddress, ...forwarded.filter((hop) => hop.trim() !== '').reverse()]
}

/**
 * The address of the client that sent a request: the address of the socket, unless that is a trusted proxy. Behind
 * trusted proxies it is the last untrusted address in `X-Forwarded-For`, because anybody can write the ones before it. A hop
 * that is no address ends the search.
 */
export function clientAddressOf(
  request: Request,
  socketAddress: string,
  isTrusted: IsTrusted,
  onUnreadable: () => void,
): string {
  if (!isTrusted(socketAddress)) return socketAddress
  let client = socketAddress
  for (const hop of hopsOf(request, socketAddress)) {
    const address = bareAddress(hop)
    if (parse(address) === null) {
      onUnreadable()
      return client
    }
    client = address
    if (!isTrusted(client)) return client
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
  const address = parse(bareAddress(text))
  if (address === null) return unknownAddress
  if (address.kind() === 'ipv4') return address.toString()
  const network = address.toByteArray().slice(0, networkBytes)
  return network.map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The /48, /32 and /16 of an IPv6 key, or the /24 and /16 of an IPv4 key. A key of another kind has none. */
export function widerNetworks(key: string): readonly string[] {
  const [a = '', b, c, d] = key.split('.')
  if (d !== undefined) return [`${a}.${b}.${c}`, `${a}.${b}`]
  return /^[\da-f]{16}$/.test(key) ? [12, 8, 4].map((digits) => key.slice(0, digits)) : []
}
