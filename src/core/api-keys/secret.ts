import { sha256Hex } from '../ids.ts'
import type { Mode } from '../storage/index.ts'

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const randomLength = 30
const form = /^[sp]k_(?:live|test)_[0-9A-Za-z]{36}$/

/** CRC-32 (ISO 3309) of ASCII text. */
function crc32(text: string): number {
  let crc = 0xffffffff
  for (let at = 0; at < text.length; at++) {
    crc ^= text.charCodeAt(at)
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}

function checksum(text: string): string {
  let rest = crc32(text)
  let digits = ''
  for (let at = 0; at < 6; at++) {
    digits = base62.charAt(rest % 62) + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}

/** Every character is equally likely: 248 is the last multiple of 62, so bytes from 248 on are dropped. */
function randomBase62(length: number): string {
  let text = ''
  while (text.length < length)
    for (const byte of crypto.getRandomValues(new Uint8Array(length)))
      if (byte < 248 && text.length < length) text += base62.charAt(byte % 62)
  return text
}

/**
 * A fresh secret: the prefix, 30 random base62 characters (178 bits), and a CRC-32 of six characters. The CRC lets a secret
 * scanner recognise a key.
 */
export function apiKeySecret(type: 'sk' | 'pk', mode: Mode): string {
  const text = `${type}_${mode}_${randomBase62(randomLength)}`
  return text + checksum(text)
}

/** True if the text has the form of a secret and its checksum is right. So junk is refused without a look-up. */
export function isApiKeySecret(text: string): boolean {
  return form.test(text) && checksum(text.slice(0, -6)) === text.slice(-6)
}

/** SHA-256 in lower-case hexadecimal. Only this is stored of a secret. Its 178 random bits need no salt. */
export function hashSecret(secret: string): Promise<string> {
  return sha256Hex(secret)
}

/**
 * The hash of a scoped key's secret. Version 0.1.0 looks up the plain hash, and knows no scopes: under this label it does not
 * find the key, so that it refuses it.
 */
export function hashScopedSecret(secret: string): Promise<string> {
  return sha256Hex(`heartwood scoped api key v1\0${secret}`)
}
