import { isReading } from '../../core/scopes.ts'
import type { ApiKeyRecord } from '../../core/storage/index.ts'

/** The faults of an API key whose type and scopes do not fit. It then has fewer rights than it says, and never more. */
export function scopeFaults({ type, scopes }: ApiKeyRecord): readonly string[] {
  const isScoped = type === 'scoped_sk' || type === 'scoped_pk'
  return [
    ...(isScoped && scopes === null ? ['has lost its scopes, so that it may do nothing: revoke it'] : []),
    ...(!isScoped && scopes !== null ? ['has scopes, but not the type of a scoped key'] : []),
    ...(type === 'scoped_pk' && scopes?.some((scope) => !isReading(scope))
      ? ['is a pk key with scopes that write']
      : []),
  ]
}
