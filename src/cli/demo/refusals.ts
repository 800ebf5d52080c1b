import type { Licensing } from '../../core/index.ts'
import type { Chance } from './chance.ts'
import type { Past } from './past.ts'

const renewal = 'POST /apps/:slug/licenses/:id/regenerate'
const activation = 'POST /apps/:slug/license-keys/activate'

/** Requests that the demo's server has refused: minutes ago, route, code. */
const refused: readonly (readonly [minutes: number, route: string, code: string])[] = [
  [2, renewal, 'token_expired'],
  [4, activation, 'seat_limit_reached'],
  [7, renewal, 'license_revoked'],
  [9, renewal, 'token_expired'],
  [13, activation, 'invalid_license_key'],
  [14, activation, 'invalid_license_key'],
  [21, 'GET /apps/:slug/licenses', 'unauthorized'],
  [26, renewal, 'token_expired'],
  [34, 'POST /apps/:slug/licenses', 'validation_error'],
  [41, renewal, 'license_revoked'],
  [47, 'DELETE /apps/:slug/tiers/:tier', 'forbidden'],
  [52, renewal, 'token_expired'],
  [95, activation, 'seat_limit_reached'],
  [190, renewal, 'license_released'],
]

const minutesOfDay = 1_440

/** Plans the last refusals. The server keeps them in memory, as it keeps real ones. */
export function planRefusals(
  { noteRefusal }: Pick<Licensing, 'noteRefusal'>,
  past: Past,
  chance: Chance,
  app: string,
  kidOf: () => Promise<string | null>,
): void {
  for (const [minutes, route, code] of refused) {
    const requestId = chance.uuid()
    past.plan(minutes / minutesOfDay, async () => {
      const kid = route === renewal ? await kidOf() : null
      noteRefusal({ route, code, app, kid, requestId })
    })
  }
}
