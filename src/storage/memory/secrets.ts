import type { SecretLocation } from '../../core/storage/index.ts'
import { keyOf } from './table.ts'
import type { SyncSession, Tables } from './tables.ts'

type SealedVerbs = Pick<SyncSession, 'claimKeyCheck' | 'reseal'>

/** What stands in a place, and how to put another text there. */
interface Standing {
  readonly text: string | null
  put(next: string): unknown
}

const nothing: Standing = { text: null, put: () => {} }

export function sealedVerbs(tables: Tables): SealedVerbs {
  const { settings } = tables
  return {
    claimKeyCheck: (sealed) => {
      settings.insert({ id: 'key_check', value: sealed })
      return settings.get('key_check')!.value
    },
    reseal: (place, expected, next) => {
      const { text, put } = standingIn(tables, place)
      if (text !== expected) return false
      put(next)
      return true
    },
  }
}

function standingIn(tables: Tables, place: SecretLocation): Standing {
  switch (place.kind) {
    case 'keyCheck':
      return keyCheck(tables)
    case 'tokenSecret':
      return tokenSecret(tables, place.appId)
    case 'privateKey':
      return privateKey(tables, place.appId, place.kid)
    case 'storedResponse':
      return storedResponse(tables, keyOf(place.scope, place.key))
  }
}

function keyCheck({ settings }: Tables): Standing {
  const check = settings.get('key_check')
  return check === null
    ? nothing
    : { text: check.value, put: (value) => settings.replace({ ...check, value }) }
}

function tokenSecret({ apps }: Tables, appId: string): Standing {
  const app = apps.get(appId)
  if (app === null) return nothing
  return { text: app.tokenSecret, put: (next) => apps.replace({ ...app, tokenSecret: next }) }
}

function privateKey({ keyRings }: Tables, appId: string, kid: string): Standing {
  const ring = keyRings.get(appId)
  const key = ring?.keys.find((candidate) => candidate.kid === kid)
  if (ring === null || key === undefined) return nothing
  return {
    text: key.privateKey,
    put: (next) =>
      keyRings.replace({
        ...ring,
        keys: ring.keys.map((one) => (one === key ? { ...one, privateKey: next } : one)),
      }),
  }
}

function storedResponse({ storedResponses }: Tables, id: string): Standing {
  const kept = storedResponses.get(id)
  if (kept === null) return nothing
  const { answer } = kept
  return {
    text: answer.answer,
    put: (next) => storedResponses.replace({ ...kept, answer: { ...answer, answer: next } }),
  }
}
