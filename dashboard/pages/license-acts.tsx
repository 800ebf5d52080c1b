import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Tier } from '../../src/core/index.ts'
import { licensing } from '../api.ts'
import { Dialog } from '../dialog.tsx'
import { useLicense } from '../known.ts'
import { to } from '../router.ts'
import { may } from '../session.ts'
import { pageWords } from '../page-words.ts'
import { words } from '../words.ts'
import { gained } from './claims.tsx'
import { Handout } from './handout.tsx'
import { changed, quickly, reinstate, revoke, type Held } from './license-changes.ts'
import { ChangeTier, Extend, Move, Revoke } from './license-dialogs.tsx'

const text = pageWords.license

const dialogs = { extend: Extend, tier: ChangeTier, move: Move, revoke: Revoke }

/** The program cannot fetch its new token by itself, so somebody sends it. */
function NewToken({ app, license, onClose }: Held & { readonly onClose: () => void }): JSX.Element {
  const { value = license } = useLicense(app, license.id).value
  return (
    <Dialog
      title={text.sendTitle}
      lead={text.sendLead}
      action={words.acts.close}
      onAct={async () => undefined}
      onClose={onClose}
    >
      <Handout app={app} license={value} />
    </Dialog>
  )
}

function Reinstate(held: Held): JSX.Element {
  const { revokedReason } = held.license
  const act = (): Promise<void> =>
    quickly(
      () => reinstate(held),
      text.reinstated,
      () => revoke(held, revokedReason),
    )
  return (
    <div class="actions">
      <button type="button" class="primary" onClick={() => void act()}>
        {text.reinstate}
      </button>
    </div>
  )
}

type Open = keyof typeof dialogs | 'token'

/** The acts on a license that the person may do. A seat gets its terms from its license key. */
export function Acts({ app, license, tier }: Held & { readonly tier: Tier | undefined }): JSX.Element {
  const [open, setOpen] = useState<Open | null>(null)
  const why = (
    <a class="button" href={to(['why', license.id])}>
      {license.status === 'active' ? text.sees : words.shell.why}
    </a>
  )
  const held = { app, license }
  if (!may('licenses:write'))
    return (
      <>
        <p class="quiet">{words.acts.lacking('licenses:write')}</p>
        <div class="actions">{why}</div>
      </>
    )
  if (license.status === 'revoked') return <Reinstate {...held} />
  const news = gained(license, tier)
  const Opened = open === null || open === 'token' ? null : dialogs[open]
  const close = (): void => setOpen((now) => (now === 'token' ? now : null))
  const regenerate = async (): Promise<void> => {
    await licensing.licenses.regenerate(app, license.id)
    changed(held)
  }
  const isSeat = license.licenseKeyId !== null
  const opener = (name: keyof typeof dialogs, label: string, kind = ''): JSX.Element => (
    <button type="button" class={kind} onClick={() => setOpen(name)}>
      {label}
    </button>
  )
  return (
    <>
      {license.licenseKeyId !== null && (
        <p class="quiet">
          {text.ofSeat} <a href={to(['apps', app, 'license-keys', license.licenseKeyId])}>{text.toKey}</a>
        </p>
      )}
      <div class="actions">
        {license.tierId !== null && (
          <button
            type="button"
            class={news.length > 0 ? 'primary' : ''}
            onClick={() => void quickly(regenerate, text.regenerated)}
          >
            {news.length > 0 ? text.regenerateWith(news.join(', ')) : text.regenerate}
          </button>
        )}
        {!isSeat && opener('extend', text.extend)}
        {!isSeat && opener('tier', text.tierChange, license.tierId === null ? 'primary' : '')}
        {!isSeat && opener('move', text.move)}
        {why}
        {opener('revoke', text.revoke, 'danger')}
      </div>
      {Opened !== null && (
        <Opened app={app} license={license} onClose={close} onNewToken={() => setOpen('token')} />
      )}
      {open === 'token' && <NewToken app={app} license={license} onClose={() => setOpen(null)} />}
    </>
  )
}
