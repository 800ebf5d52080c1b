import { allItems } from '../../core/all-items.ts'
import type { App } from '../../core/apps.ts'
import type { SigningKey } from '../../core/keys/app-keys.ts'
import type { Rotation } from '../../core/keys/rotation.ts'
import type { Api } from '../api.ts'
import { path } from '../path.ts'
import type { RemoteApps, RemoteLicensing } from '../remote-licensing.ts'
import { readJson, readPem, type Reader } from '../response.ts'

type JwkSet = Awaited<ReturnType<RemoteApps['jwks']>>

export function remoteApps(api: Api): RemoteApps {
  const list: RemoteApps['list'] = (query) => api.list<App>('/apps', query)
  return {
    list,
    all: () => allItems(list),
    create: (app) => api.post<App>('/apps', app),
    get: (app) => api.get<App>(path`/apps/${app}`),
    update: (app, changes) => api.put<App>(path`/apps/${app}`, changes),
    delete: (app) => api.delete(path`/apps/${app}`),
    keys: async (app) => (await api.list<SigningKey>(path`/apps/${app}/keys`)).data,
    publicKey: (app) => api.get(path`/apps/${app}/public-key`, {}, { isOpen: true, read: readPem }),
    jwks: (app) =>
      api.get(path`/apps/${app}/jwks.json`, {}, { isOpen: true, read: readJson as Reader<JwkSet> }),
  }
}

export function remoteRotation(api: Api): RemoteLicensing['rotateKeys'] {
  return async (app, options) => {
    // The message is for people at a terminal, and core has none.
    const { message: _text, ...rotation } = await api.post<Rotation & { readonly message: string }>(
      path`/apps/${app}/rotate-keys`,
      options,
    )
    return rotation
  }
}
