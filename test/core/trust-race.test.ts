import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Context } from '../../src/core/context.ts'
import { signingQueue } from '../../src/core/keys/signing-queue.ts'
import { trustOf } from '../../src/core/keys/trust.ts'
import { promiseCache } from '../../src/core/runtime/cache.ts'
import { createSealer } from '../../src/core/runtime/sealer.ts'
import { masterKey, newShop } from '../support/fixtures.ts'

const slug = 'desktop-app'

test('trustOf(): keeps no private key in memory that a rotation has destroyed while it was signing', async () => {
  const { licensing, storage } = await newShop()
  const [{ kid } = { kid: '' }] = await licensing.apps.keys(slug)
  const privateKeys = promiseCache<CryptoKey | null>(9)
  const runtime = {
    caches: { signedTokens: promiseCache<string>(9), privateKeys },
    sealer: await createSealer(masterKey),
    signing: signingQueue(),
  }
  let reads = 0
  const racing = {
    ...storage,
    listKeyStatements: async (appId: string) => {
      const statements = await storage.listKeyStatements(appId)
      if (++reads === 1) await licensing.rotateKeys(slug)
      return statements
    },
  }
  const context = {
    runtime,
    storage: racing,
    principal: null,
    app: null,
    inHostTransaction: false,
    actor: { type: 'embedder', id: null, label: null },
    requestId: null,
    unit: null,
  }
  const trust = await trustOf(context as unknown as Context, slug)
  assert.deepEqual([reads, trust], [2, await licensing.apps.trust(slug)])
  assert.equal(await privateKeys.get(kid, async () => null), null)
})
