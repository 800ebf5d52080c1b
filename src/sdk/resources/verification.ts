import type { TokenVerification, UnknownLicense, Verification } from '../../core/licenses/verify.ts'
import type { Api } from '../api.ts'
import { path } from '../path.ts'
import type { RemoteVerification } from '../remote-licensing.ts'
import { readResults } from '../response.ts'
import { tokenText } from '../credential-text.ts'

/** Anybody may verify, so no credential goes along. */
export function remoteVerification(api: Api): RemoteVerification {
  const open = { isOpen: true, isRead: true } as const
  return {
    verify: (app, reference) => api.get<Verification>(path`/apps/${app}/licenses/verify`, reference, open),
    verifyToken: (app, token, options) =>
      api.post<TokenVerification>(
        path`/apps/${app}/licenses/verify`,
        { ...options, token: tokenText(token) },
        open,
      ),
    verifyBatch: (app, batch) =>
      api.post(path`/apps/${app}/licenses/verify/batch`, batch, {
        ...open,
        read: readResults<Verification | UnknownLicense>,
      }),
  }
}
