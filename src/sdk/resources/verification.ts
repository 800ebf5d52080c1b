import type { TokenVerification, UnknownLicense, Verification } from '../../core/licenses/verify.ts'
import { withQuery, type Api } from '../api.ts'
import { path } from '../path.ts'
import type { RemoteVerification } from '../remote-licensing.ts'
import { readOne, readResults } from '../response.ts'
import { tokenText } from '../token-text.ts'
import { toWire } from '../wire.ts'

/** Anybody may verify, so no credential goes along. */
export function remoteVerification(api: Api): RemoteVerification {
  const open = { isOpen: true, isRead: true } as const
  return {
    verify: async (app, reference) =>
      api.call({
        ...open,
        method: 'GET',
        path: withQuery(path`/apps/${app}/licenses/verify`, reference),
        read: readOne<Verification>,
      }),
    verifyToken: async (app, token) =>
      api.call({
        ...open,
        method: 'POST',
        path: path`/apps/${app}/licenses/verify`,
        body: { token: tokenText(token) },
        read: readOne<TokenVerification>,
      }),
    verifyBatch: async (app, batch) =>
      api.call({
        ...open,
        method: 'POST',
        path: path`/apps/${app}/licenses/verify/batch`,
        body: toWire(batch),
        read: readResults<Verification | UnknownLicense>,
      }),
  }
}
