import { later } from './timer.ts'

/** Ends with `closing`, and after the given time at the latest. Not every engine has `AbortSignal.any` and `AbortSignal.timeout`. */
export function timeLimit(closing: AbortSignal, milliseconds: number): AbortSignal {
  const limit = new AbortController()
  const end = (): void => {
    cancel()
    closing.removeEventListener('abort', end)
    limit.abort()
  }
  const cancel = later(end, milliseconds)
  closing.addEventListener('abort', end)
  if (closing.aborted) end()
  return limit.signal
}

/** @throws {TypeError} without Web Crypto, so that its absence does not look like a fault of the keys. */
export function requireCrypto(): void {
  const { crypto } = globalThis as { readonly crypto?: { readonly subtle?: unknown } }
  if (crypto?.subtle === undefined)
    throw new TypeError('crypto.subtle is missing: it needs https, localhost or Node 20')
}

interface Runtimes {
  readonly Deno?: { readonly build?: { readonly os?: unknown } }
  readonly process?: { readonly platform?: unknown }
  readonly document?: unknown
  readonly importScripts?: unknown
}

/**
 * The operating system, as the runtime names it. `null` in pages and their workers, also those of Electron, because a browser
 * asks the server before it sends another header.
 */
export function operatingSystem(): string | null {
  const { Deno, process, document, importScripts } = globalThis as Runtimes
  if (document !== undefined || importScripts !== undefined) return null
  const name = Deno?.build?.os ?? process?.platform
  return typeof name === 'string' ? name : null
}
