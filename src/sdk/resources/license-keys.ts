import { allItems } from '../../core/all-items.ts'
import type { LicenseKeyVerification, Seat } from '../../core/license-keys/holder.ts'
import type { BulkRelease, HolderCredential, Release } from '../../core/license-keys/release.ts'
import type { SyncedLicenseKey } from '../../core/license-keys/sales.ts'
import type { IncludeKey, LicenseKey, LicenseKeyWithText } from '../../core/license-keys/view.ts'
import { orNotFound, type Api } from '../api.ts'
import { clientName } from '../client-name.ts'
import { idSegment, path } from '../path.ts'
import type { RemoteLicenseKeys } from '../remote-licensing.ts'
import { readItems, readMade, readWithMeta } from '../response.ts'
import { licenseKeyText, tokenText } from '../credential-text.ts'

/** The body of a release by its holder, as core chooses between the two credentials. */
function holderBody({ licenseKey, currentToken }: HolderCredential): object {
  return currentToken === undefined
    ? { licenseKey: licenseKeyText(licenseKey) }
    : { currentToken: tokenText(currentToken) }
}

/** The license key is the credential here, so no API key goes along with it. */
function ofHolders(api: Api): Pick<RemoteLicenseKeys, 'activate' | 'release' | 'seats' | 'verify'> {
  const open = { isOpen: true, isRead: true } as const
  return {
    activate: (app, licenseKey, activation, { client } = {}) =>
      api.post(
        path`/apps/${app}/license-keys/activate`,
        { ...activation, licenseKey: licenseKeyText(licenseKey) },
        { isOpen: true, headers: clientName(client), read: readMade('license', 'created') },
      ),
    verify: (app, licenseKey) =>
      api.post<LicenseKeyVerification>(
        path`/apps/${app}/license-keys/verify`,
        { licenseKey: licenseKeyText(licenseKey) },
        open,
      ),
    seats: (app, licenseKey, options) =>
      api.post(
        path`/apps/${app}/license-keys/seats`,
        { ...options, licenseKey: licenseKeyText(licenseKey) },
        { ...open, read: readItems<Seat> },
      ),
    release: (app, licenseId, holder) =>
      api.post<Release>(
        path`/apps/${app}/licenses/${idSegment(licenseId)}/release`,
        holder && holderBody(holder),
        {
          isOpen: holder !== undefined,
        },
      ),
  }
}

export function remoteLicenseKeys(api: Api): RemoteLicenseKeys {
  const at = (app: string, id: string): string => path`/apps/${app}/license-keys/${idSegment(id)}`
  const list: RemoteLicenseKeys['list'] = (app, query) =>
    api.list<LicenseKey>(path`/apps/${app}/license-keys`, query)
  return {
    ...ofHolders(api),
    list,
    all: (app, filter) => allItems((paging) => list(app, { ...filter, ...paging })),
    create: (app, licenseKey) => api.post<LicenseKeyWithText>(path`/apps/${app}/license-keys`, licenseKey),
    get: (app: string, id: string, options?: IncludeKey) => api.get<LicenseKeyWithText>(at(app, id), options),
    getByExternalId: (app: string, externalId: string, options?: IncludeKey) =>
      orNotFound(
        api.get<LicenseKeyWithText>(path`/apps/${app}/license-keys/by-external-id`, {
          ...options,
          externalId,
        }),
        'License key not found',
      ),
    update: (app, id, changes) => api.put<LicenseKey>(at(app, id), changes),
    delete: (app, id) => api.delete(at(app, id)),
    sync: (app, sale) =>
      api.post(path`/apps/${app}/license-keys/sync`, sale, { read: readWithMeta<SyncedLicenseKey> }),
    roll: (app, id, options) => api.post<LicenseKeyWithText>(`${at(app, id)}/roll`, options),
    revoke: (app, id, revocation) => api.post<LicenseKey>(`${at(app, id)}/revoke`, revocation),
    reinstate: (app, id) => api.post<LicenseKey>(`${at(app, id)}/reinstate`),
    releaseAll: (app, id, options) => api.post<BulkRelease>(`${at(app, id)}/release-all`, options),
  }
}
