import type { License, LicenseChanges } from '../../src/core/index.ts'
import { licensing } from '../api.ts'
import { forget } from '../data.ts'
import { names } from '../known.ts'
import { complain, say } from '../toasts.tsx'

/** A license with the app that it is in. */
export interface Held {
  readonly app: string
  readonly license: License
}

export function changed({ app, license }: Held): void {
  forget(names.license(app, license.id))
  forget(names.licenses(app))
  // A seat changes the numbers of its license key.
  if (license.licenseKeyId !== null) forget(names.licenseKey(app, license.licenseKeyId))
}

export async function update(held: Held, changes: LicenseChanges): Promise<void> {
  await licensing.licenses.update(held.app, held.license.id, changes)
  changed(held)
}

export async function reinstate(held: Held): Promise<void> {
  await licensing.licenses.reinstate(held.app, held.license.id)
  changed(held)
}

export async function revoke(held: Held, reason: string | null): Promise<void> {
  await licensing.licenses.revoke(held.app, held.license.id, { reason })
  changed(held)
}

/** Runs an act of one click, and says how it ended. */
export async function quickly(
  act: () => Promise<unknown>,
  done: string,
  undo: (() => Promise<unknown>) | null = null,
): Promise<void> {
  try {
    await act()
    say(done, undo)
  } catch (error) {
    complain(error)
  }
}
