import type { ComponentChildren, JSX } from 'preact'
import type { License, Tier } from '../../src/core/index.ts'
import { dateOf } from '../times.ts'
import { pageWords } from '../page-words.ts'
import { words } from '../words.ts'

/** The features that a regeneration would give: those of the tier as it is now, then the license's own. */
export function newFeatures(
  { features, customFeatures }: License,
  tier: Tier | undefined,
): readonly string[] {
  return tier === undefined ? features : [...new Set([...tier.features, ...customFeatures])]
}

type Limits = License['limits']

export function newLimits({ limits, customLimits }: License, tier: Tier | undefined): Limits {
  return tier === undefined ? limits : { ...tier.limits, ...customLimits }
}

/** The features that a new token would bring. */
export function gained(license: License, tier: Tier | undefined): readonly string[] {
  return newFeatures(license, tier).filter((feature) => !license.features.includes(feature))
}

function isSameSet(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((item) => other.includes(item))
}

interface ChipsProps {
  readonly items: readonly string[]
  /** Items that are new against these are marked. */
  readonly before?: readonly string[]
  /** Items that these lack are struck out. */
  readonly after?: readonly string[]
}

function Chips({ items, before, after }: ChipsProps): JSX.Element {
  if (items.length === 0) return <span class="same">{pageWords.license.nothing}</span>
  return (
    <span class="chips">
      {items.map((item) => {
        const isAdded = before !== undefined && !before.includes(item)
        const isLost = after !== undefined && !after.includes(item)
        return (
          <span key={item} class={isAdded ? 'chip added' : isLost ? 'chip lost' : 'chip'}>
            {isAdded && <span class="unseen">{pageWords.license.added}</span>}
            {isLost && <span class="unseen">{pageWords.license.lost}</span>}
            {item}
          </span>
        )
      })}
    </span>
  )
}

interface Claim {
  readonly name: string
  readonly carried: ComponentChildren
  readonly given: ComponentChildren
  readonly isChanged: boolean
}

const textsOf = (limits: Limits): readonly string[] =>
  Object.entries(limits).map(([name, count]) => `${name} ${words.count(count)}`)

/** A change that is planned beside the new claims of the tier. */
interface Plan {
  readonly tierName?: string
  readonly expiresAt?: number | null
}

const endOf = (at: number | null): string => (at === null ? pageWords.licenses.forever : dateOf(at))

function claimsOf(
  license: License,
  tier: Tier | undefined,
  tierName: string,
  { tierName: nextTier = tierName, expiresAt: nextEnd = license.expiresAt }: Plan = {},
): readonly Claim[] {
  const { features, limits, expiresAt, updatesUntil } = license
  const given = newFeatures(license, tier)
  const [had, gets] = [textsOf(limits), textsOf(newLimits(license, tier))]
  const plain = (name: string, carried: string, next = carried): Claim => ({
    name,
    carried,
    given: next,
    isChanged: carried !== next,
  })
  return [
    plain(pageWords.licenses.tier, tierName, nextTier),
    {
      name: pageWords.license.features,
      carried: <Chips items={features} after={given} />,
      given: <Chips items={given} before={features} />,
      isChanged: !isSameSet(features, given),
    },
    {
      name: pageWords.license.limits,
      carried: <Chips items={had} />,
      given: <Chips items={gets} />,
      isChanged: !isSameSet(had, gets),
    },
    plain(pageWords.licenses.until, endOf(expiresAt), endOf(nextEnd)),
    ...(updatesUntil === null ? [] : [plain(pageWords.license.updates, dateOf(updatesUntil))]),
  ]
}

function sentenceOf(claims: readonly Claim[], { tierId }: License): string {
  if (tierId === null) return pageWords.license.missingTier
  return claims.some(({ isChanged }) => isChanged) ? pageWords.license.behind : pageWords.license.same
}

interface ClaimsProps {
  readonly license: License
  /** Undefined if it was deleted. */
  readonly tier: Tier | undefined
  readonly tierName: string
}

function ClaimsTable({ claims }: { readonly claims: readonly Claim[] }): JSX.Element {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={pageWords.license.claims}>
      <table class="claims">
        <thead>
          <tr>
            <th scope="col">
              <span class="unseen">{pageWords.license.claim}</span>
            </th>
            <th scope="col">{pageWords.license.inToken}</th>
            <th scope="col">{pageWords.license.inNew}</th>
          </tr>
        </thead>
        <tbody>
          {claims.map(({ name, carried, given, isChanged }) => (
            <tr key={name} data-changed={isChanged}>
              <th scope="row">{name}</th>
              <td>{carried}</td>
              <td>{isChanged ? <ins>{given}</ins> : <span class="same">{given}</span>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** The claims before and after a change that is planned. */
export function Difference({
  license,
  tier,
  tierName,
  next,
}: ClaimsProps & { readonly next: Plan }): JSX.Element | null {
  const claims = claimsOf(license, tier, tierName, next).filter(({ isChanged }) => isChanged)
  return claims.length === 0 ? null : <ClaimsTable claims={claims} />
}

/** The claims of the token beside those of a new one. */
export function Claims({ license, tier, tierName }: ClaimsProps): JSX.Element {
  const claims = claimsOf(license, tier, tierName)
  return (
    <>
      <h2 id="claims">{pageWords.license.carries}</h2>
      <p class="sub small">{sentenceOf(claims, license)}</p>
      <ClaimsTable claims={claims} />
    </>
  )
}
