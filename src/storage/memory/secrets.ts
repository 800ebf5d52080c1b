import type { SecretLocation, SecretStorage } from '../../core/storage/index.ts'
import type { Runner } from './runner.ts'
import { keyOf } from './table.ts'
import type { Tables } from './tables.ts'

export function secretStorage({ write }: Runner): SecretStorage {
  return {
    claimKeyCheck: (sealed) =>
      write(({ settings }) => {
        settings.insert({ id: 'key_check', value: sealed })
        return settings.get('key_check')!.value
      }),
    reseal: (location, expected, next) =>
      write((tables) => {
        const slot = slotAt(tables, location)
        if (slot?.value !== expected) return false
        slot.replace(next)
        return true
      }),
  }
}

/** The text at one location, and the way to replace it. */
interface Slot {
  readonly value: string | null
  replace(next: string): void
}

function slotAt(tables: Tables, location: SecretLocation): Slot | null {
  switch (location.kind) {
    case 'keyCheck':
      return keyCheck(tables)
    case 'tokenSecret':
      return tokenSecret(tables, location.appId)
    case 'privateKey':
      return privateKey(tables, location.appId, location.kid)
    case 'storedResponse':
      return storedResponse(tables, keyOf(location.scope, location.key))
  }
}

function keyCheck({ settings }: Tables): Slot | null {
  const check = settings.get('key_check')
  return check && { value: check.value, replace: (value) => void settings.replace({ ...check, value }) }
}

function tokenSecret({ apps }: Tables, appId: string): Slot | null {
  const app = apps.get(appId)
  if (app === null) return null
  return { value: app.tokenSecret, replace: (next) => void apps.replace({ ...app, tokenSecret: next }) }
}

function privateKey({ keyRings }: Tables, appId: string, kid: string): Slot | null {
  const ring = keyRings.get(appId)
  const key = ring?.keys.find((candidate) => candidate.kid === kid)
  if (ring === null || key === undefined) return null
  return {
    value: key.privateKey,
    replace: (next) => {
      const keys = ring.keys.map((other) => (other === key ? { ...other, privateKey: next } : other))
      keyRings.replace({ ...ring, keys })
    },
  }
}

function storedResponse({ storedResponses }: Tables, id: string): Slot | null {
  const stored = storedResponses.get(id)
  if (stored === null) return null
  const { response } = stored
  return {
    value: response.answer,
    replace: (next) => void storedResponses.replace({ ...stored, response: { ...response, answer: next } }),
  }
}
