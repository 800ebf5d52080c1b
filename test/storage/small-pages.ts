import { LicensingError, type Storage, type StorageSession } from '../../src/core/index.ts'

/** Limits that make a deletion take several pages with few records. */
export interface SmallPages {
  /** A record with more dependents than this is deleted in pages. */
  readonly most?: number
  /** Dependents in a page. */
  readonly page?: number
  /** Called before each page. */
  readonly beforePage?: () => void | Promise<void>
}

/** The storage with these limits instead of those of licensing. */
export function withSmallPages(storage: Storage, { most, page, beforePage }: SmallPages): Storage {
  const limited = <Session extends StorageSession>(session: Session): Session =>
    Object.assign(Object.create(session) as Session, {
      beginDeletion: (...[deletion, limit]: Parameters<StorageSession['beginDeletion']>) =>
        session.beginDeletion(deletion, most ?? limit),
      continueDeletion: async (...[id, given]: Parameters<StorageSession['continueDeletion']>) => {
        await beforePage?.()
        return session.continueDeletion(id, { ...given, limit: page ?? given.limit })
      },
    })
  const outside: Partial<Storage> = {
    transaction: (work, options) => storage.transaction((tx) => work(limited(tx)), options),
  }
  return Object.assign(limited(storage), outside)
}

/** A `beforePage` with which the database goes away after some pages. */
export function awayAfter(pages: number): () => void {
  let left = pages
  return () => {
    if (left-- <= 0) throw new LicensingError('unavailable', 'The database is away')
  }
}
