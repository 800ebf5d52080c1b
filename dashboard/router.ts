import { computed, signal, type ReadonlySignal } from '@preact/signals'

/** The place of the page. All of it stands behind the `#`, so that no server, log or Referer learns of it. */
export interface Place {
  readonly path: readonly string[]
  readonly query: URLSearchParams
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

export function parse(address: string): Place {
  const at = address.indexOf('#')
  const [path = '', query = ''] = at === -1 ? [] : address.slice(at + 1).split('?', 2)
  return { path: path.split('/').filter(Boolean).map(decode), query: new URLSearchParams(query) }
}

const place = signal(parse(location.href))
addEventListener('hashchange', () => (place.value = parse(location.href)))

export const here: ReadonlySignal<Place> = computed(() => place.value)

export function to(path: readonly string[], query: Readonly<Record<string, string>> = {}): string {
  const text = new URLSearchParams(query).toString()
  return `#/${path.map(encodeURIComponent).join('/')}${text === '' ? '' : `?${text}`}`
}

/** Goes to a place. Neither call fires `hashchange`, hence the last line. */
export function go(address: string, replace = false): void {
  history[replace ? 'replaceState' : 'pushState'](null, '', address)
  place.value = parse(location.href)
}

/** The parameters of a path: `match(['apps', ':app'], path)` gives `{ app }`, or `null` for another path. */
export function match(
  pattern: readonly string[],
  path: readonly string[],
): Readonly<Record<string, string>> | null {
  if (pattern.length !== path.length) return null
  const found: Record<string, string> = {}
  for (const [i, part] of pattern.entries()) {
    const value = path[i] ?? ''
    // An address may come from anybody, and the pages put its parts into commands that people copy.
    if (part.startsWith(':') && !/^[\w-]{1,128}$/.test(value)) return null
    if (part.startsWith(':')) found[part.slice(1)] = value
    else if (part !== value) return null
  }
  return found
}
