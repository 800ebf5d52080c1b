import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/** Whether an address is one of the proxies that are trusted. */
export type IsTrusted = (address: string) => boolean

/** Under what those are counted whose address nobody can tell. */
export const unknownCaller = 'unknown'

/** IPv6 hands a customer at least a /64, so one caller is one /64. */
const callerPrefix = 8

/** Only whole addresses: ipaddr.js would take `10` for 0.0.0.10. */
function parse(text: string): Address | null {
  const isWhole = text.includes(':') ? ipaddr.IPv6.isValid(text) : ipaddr.IPv4.isValidFourPartDecimal(text)
  return isWhole ? ipaddr.process(text) : null
}

function readRange(range: string): [Address, number] {
  const [base = ''] = range.split('/', 1)
  const address = parse(base)
  if (address === null || !(base === range || ipaddr.isValidCIDR(range)))
    throw new TypeError('A trusted proxy must be an IP address or a range such as 10.0.0.0/8')
  return base === range ? [address, address.kind() === 'ipv4' ? 32 : 128] : ipaddr.parseCIDR(range)
}

/** Reads addresses and CIDR ranges of proxies. @throws {TypeError} for one that is neither. */
export function trustedProxies(ranges: readonly string[]): IsTrusted {
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
 * Who really asks: the socket's address, unless that is a trusted proxy; then the last address of `X-Forwarded-For` that
 * is not one. What stands further left anybody could have written.
 */
export function originOf(request: Request, socketAddress: string, isTrusted: IsTrusted): string {
  if (!isTrusted(socketAddress)) return socketAddress
  const forwarded = request.headers.get('x-forwarded-for')
  if (forwarded === null) return socketAddress
  const hops = [...forwarded.split(',').map((hop) => hop.trim()), socketAddress].filter((hop) => hop !== '')
  let origin = socketAddress
  for (const hop of hops.reverse()) {
    if (parse(hop) === null) return origin
    origin = hop
    if (!isTrusted(hop)) return origin
  }
  return origin
}

/** Whom the latest addresses were counted under: reading one costs as much as the rest of counting a request. */
const known = new Map<string, string>()
const maxKnown = 10_000

/** Under what a caller is counted: an IPv4 address, or the /64 of an IPv6 one. */
export function callerOf(text: string): string {
  const found = known.get(text)
  if (found !== undefined) return found
  if (known.size === maxKnown) known.clear()
  const caller = readCaller(text)
  known.set(text, caller)
  return caller
}

function readCaller(text: string): string {
  const address = parse(text)
  if (address === null) return unknownCaller
  if (address.kind() === 'ipv4') return address.toString()
  const network = address.toByteArray().slice(0, callerPrefix)
  return network.map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
