import { allItems } from '../../core/all-items.ts'
import type { BulkOutcome } from '../../core/licenses/regenerate.ts'
import type { HeldLicense } from '../../core/licenses/renewal.ts'
import type { IncludeToken, License, SignedLicense } from '../../core/licenses/view.ts'
import { orNotFound, type Api } from '../api.ts'
import { clientName } from '../client-name.ts'
import { idSegment, path } from '../path.ts'
import { RemoteError } from '../remote-error.ts'
import type { RemoteLicenses } from '../remote-licensing.ts'
import { tokenText } from '../credential-text.ts'

/** The most licenses with their tokens that a page may have. */
const signedPage = 20

function withoutToken({ token: _token, ...license }: License): License {
  return license
}

/** The API gives the token to whoever may see it. Core gives it to whoever asks for it, and refuses the others. */
function present(license: License, options?: IncludeToken): SignedLicense {
  if (options === undefined) return withoutToken(license) as SignedLicense
  if (license.token === undefined) throw new RemoteError('forbidden', 'Tokens require a secret key (sk_*)')
  return license as SignedLicense
}

function readLicenses(
  api: Api,
): Pick<RemoteLicenses, 'list' | 'all' | 'get' | 'getByInstallation' | 'token'> {
  const list: RemoteLicenses['list'] = (app, query) => api.list<License>(path`/apps/${app}/licenses`, query)
  const get = async (app: string, id: string, options?: IncludeToken): Promise<SignedLicense> =>
    present(await api.get<License>(path`/apps/${app}/licenses/${idSegment(id)}`), options)
  return {
    list,
    all: (app, filter) =>
      allItems(
        (paging) => list(app, { ...filter, ...paging }),
        filter?.include === undefined ? undefined : signedPage,
      ),
    get,
    getByInstallation: async (app: string, installationId: string, options?: IncludeToken) => {
      const at = path`/apps/${app}/licenses/by-installation`
      const license = await orNotFound(api.get<License>(at, { installationId }), 'License not found')
      return present(license, options)
    },
    token: async (app, id) => (await get(app, id, { include: 'token' })).token,
  }
}

/** The token is the credential here, so no key goes along with it. */
function renewal(api: Api): RemoteLicenses['renew'] {
  return (app, id, currentToken, { client } = {}) =>
    api.post<HeldLicense>(
      path`/apps/${app}/licenses/${idSegment(id)}/regenerate`,
      { currentToken: tokenText(currentToken) },
      { isOpen: true, headers: clientName(client) },
    )
}

export function remoteLicenses(api: Api): RemoteLicenses {
  const at = (app: string, id: string): string => path`/apps/${app}/licenses/${idSegment(id)}`
  return {
    ...readLicenses(api),
    create: (app, license) => api.post<SignedLicense>(path`/apps/${app}/licenses`, license),
    update: (app, id, changes) => api.put<SignedLicense>(at(app, id), changes),
    delete: (app, id) => api.delete(at(app, id)),
    revoke: async (app, id, revocation) =>
      withoutToken(await api.post<License>(`${at(app, id)}/revoke`, revocation)),
    reinstate: (app, id, reinstatement) => api.post<SignedLicense>(`${at(app, id)}/reinstate`, reinstatement),
    regenerate: (app, id, options) => api.post<SignedLicense>(`${at(app, id)}/regenerate`, options),
    regenerateAll: (app, options) => api.post<BulkOutcome>(path`/apps/${app}/licenses/regenerate`, options),
    renew: renewal(api),
  }
}
