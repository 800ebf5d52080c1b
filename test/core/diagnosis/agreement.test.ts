import assert from 'node:assert/strict'
import process from 'node:process'
import { test } from 'node:test'
import type { Diagnosis, Licensing } from '../../../src/core/index.ts'
import { randomFrom } from '../../storage/race-tasks.ts'
import { codeOf, day, inProcessAlone, newShop, tokenOf, type Shop } from '../../support/fixtures.ts'
import { claimsOf } from '../../support/tokens.ts'

const app = 'desktop-app'

/** The error code of the first check that failed; `null` if none did. */
function codeIn({ checks }: Diagnosis): unknown {
  return checks.find(({ state }) => state === 'failed')?.facts['code'] ?? null
}

function pick<Item>(random: () => number, items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)]!
}

/** A shop with tokens of licenses that live through random changes. */
interface Life extends Shop {
  readonly random: () => number
  readonly tokens: string[]
  readonly texts: string[]
}

async function seat({ licensing, texts, tokens, random }: Life): Promise<void> {
  const given = { installationId: crypto.randomUUID() }
  const { license } = await licensing.licenseKeys.activate(app, pick(random, texts), given)
  tokens.push(tokenOf(license))
}

function idOf(token: string): string {
  return claimsOf(token).jti.slice(0, 30)
}

/** One change. A refused one changes nothing, and is none. */
async function change(life: Life): Promise<void> {
  const { licensing, random, tokens, texts, clock, customer, tier } = life
  const { licenses, licenseKeys, tiers } = licensing
  const id = idOf(pick(random, tokens))
  const keys = (await licenseKeys.list(app)).data
  const key = pick(random, keys).id
  const expiresAt = clock.seconds + pick(random, [1, 5, 400]) * day
  const changes: readonly (() => Promise<unknown>)[] = [
    () => licenses.revoke(app, id),
    () => licenses.reinstate(app, id, { invalidatePrevious: random() < 0.3 }),
    () => licenses.regenerate(app, id, { invalidatePrevious: random() < 0.3 }),
    () => licenses.update(app, id, { expiresAt }),
    () => licenses.update(app, id, { tierId: tier.id }),
    async () => random() < 0.3 && licenses.delete(app, id),
    async () => random() < 0.3 && licensing.rotateKeys(app, { gracePeriodDays: pick(random, [0, 3, 90]) }),
    () => tiers.delete(app, 'extra'),
    async () => tiers.create(app, { name: 'Extra', slug: 'extra' }),
    async () => {
      const made = await licenses.create(app, {
        installationId: crypto.randomUUID(),
        customerId: customer.id,
        tierId: pick(random, ['pro', 'extra']),
        expiresAt,
      })
      tokens.push(tokenOf(made))
    },
    async () => tokens.push(tokenOf(await licenses.get(app, id, { include: 'token' }))),
    async () => {
      const terms = { seats: pick(random, [1, 2]), tierId: pick(random, ['pro', 'extra']), expiresAt }
      texts.push((await licenseKeys.create(app, { customerId: customer.id, ...terms })).key)
    },
    () => seat(life),
    () => licenseKeys.release(app, id),
    () => licenseKeys.revoke(app, key),
    () => licenseKeys.reinstate(app, key),
    async () => texts.push((await licenseKeys.roll(app, key, { overlapDays: pick(random, [0, 3]) })).key),
    async () => void (clock.seconds += pick(random, [1, day, 4 * day])),
  ]
  await codeOf(pick(random, changes)().catch((error: unknown) => ignored(error)))
}

function ignored(error: unknown): void {
  if (error instanceof assert.AssertionError) return
  if (error instanceof TypeError) return
  throw error
}

/** The code with which a token is refused: by verification, otherwise by a renewal. */
async function refusalOfToken({ licensing }: Life, token: string): Promise<string | null> {
  const { code, valid } = await licensing.verification.verifyToken(app, token)
  if (!valid) return code
  const renewal = await codeOf(dryRenewal(licensing, token))
  return renewal === 'ok' ? null : renewal
}

/** A renewal that stops before it writes, or is refused. */
async function dryRenewal(licensing: Licensing, token: string): Promise<void> {
  const stop = new Error('stop')
  const key = { key: crypto.randomUUID(), scope: 'dry', fingerprint: token }
  const work = licensing.idempotent(key, async ({ licenses }) => {
    await licenses.renew(app, idOf(token), token)
    throw stop
  })
  await work.catch((error: unknown) => {
    if (error !== stop) throw error
  })
}

/** The code with which a license key is refused: by verification, otherwise by the activation of a new installation. */
async function refusalOfKey({ licensing }: Life, text: string): Promise<string | null> {
  const { code, valid } = await licensing.licenseKeys.verify(app, text)
  if (!valid) return code
  const stop = new Error('stop')
  const key = { key: crypto.randomUUID(), scope: 'dry', fingerprint: text }
  const work = licensing.idempotent(key, async ({ licenseKeys }) => {
    await licenseKeys.activate(app, text, { installationId: crypto.randomUUID() })
    throw stop
  })
  const outcome = await codeOf(
    work.catch((error: unknown) => (error === stop ? 'ok' : Promise.reject(error as Error))),
  )
  return outcome === 'ok' ? null : outcome
}

async function checkTokens(life: Life, seen: Set<string>, what: string): Promise<void> {
  const { licensing, tokens } = life
  for (const token of tokens.slice(-3)) {
    const diagnosis = await licensing.diagnose({ text: token })
    const refusal = await refusalOfToken(life, token)
    assert.equal(codeIn(diagnosis), refusal, `${what}: ${JSON.stringify(diagnosis)}`)
    seen.add(`token ${diagnosis.cause}`)
    await checkJti(life, token, what)
  }
}

/** A `jti` and an installation: valid by verification exactly if no check fails, but for a missing tier. */
async function checkJti({ licensing }: Life, token: string, what: string): Promise<void> {
  const { jti, sub } = claimsOf(token)
  for (const [text, reference] of [
    [jti, { jti }],
    [sub, { installationId: sub }],
  ] as const) {
    const diagnosis = await licensing.diagnose({ text })
    const isValid = await licensing.verification.verify(app, reference).then(
      ({ valid }) => valid,
      () => false,
    )
    const failed = codeIn(diagnosis)
    const isCurrent = diagnosis.checks.every(({ facts }) => facts['warning'] !== 'superseded')
    if (isCurrent)
      assert.equal(
        failed === null || failed === 'missing_tier',
        isValid,
        `${what}: ${JSON.stringify(diagnosis)}`,
      )
  }
}

async function checkKeys(life: Life, seen: Set<string>, what: string): Promise<void> {
  const { licensing, texts } = life
  for (const text of texts.slice(-2)) {
    const diagnosis = await licensing.diagnose({ text })
    assert.equal(codeIn(diagnosis), await refusalOfKey(life, text), `${what}: ${JSON.stringify(diagnosis)}`)
    seen.add(`key ${diagnosis.cause}`)
  }
}

async function newLife(random: () => number): Promise<Life> {
  const shop = await newShop()
  await shop.licensing.tiers.create(app, { name: 'Extra', slug: 'extra' })
  const { key } = await shop.licensing.licenseKeys.create(app, {
    customerId: shop.customer.id,
    tierId: 'extra',
    seats: 2,
    forever: true,
  })
  return { ...shop, random, tokens: [tokenOf(await shop.issue())], texts: [key] }
}

test(
  'diagnose(): over random lives the first failing check has the code of verification, renewal and activation',
  inProcessAlone('it works in transactions'),
  async (context) => {
    const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 32))
    context.diagnostic(`SEED=${seed}`)
    const random = randomFrom(seed)
    const seen = new Set<string>()
    for (let life = 0; life < 5; life++) {
      const own = await newLife(random)
      for (let step = 0; step < 30; step++) {
        await change(own)
        const what = `SEED=${seed}, life ${life}, step ${step}`
        await checkTokens(own, seen, what)
        await checkKeys(own, seen, what)
      }
    }
    context.diagnostic([...seen].toSorted().join(', '))
    assert.ok(seen.size >= 8, [...seen].join())
  },
)
