import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { License, LicenseChanges, Tier } from '../../src/core/index.ts'
import { licensing } from '../api.ts'
import { copy } from '../clipboard.ts'
import { forget } from '../data.ts'
import { Dialog } from '../dialog.tsx'
import { Field } from '../field.tsx'
import { Icon } from '../icons.tsx'
import { names, useTiers } from '../known.ts'
import { base } from '../place.ts'
import { may } from '../session.ts'
import { dateOf, days, fromField, now, toField } from '../times.ts'
import { complain, say } from '../toasts.tsx'
import { pageWords } from '../page-words.ts'
import { words } from '../words.ts'
import { gained } from './claims.tsx'

const text = pageWords.license

/** A license with the app that it is in. */
export interface Held {
  readonly app: string
  readonly license: License
}

function changed({ app, license }: Held): void {
  forget(names.license(app, license.id))
  forget(names.licenses(app))
}

async function update(held: Held, changes: LicenseChanges): Promise<void> {
  await licensing.licenses.update(held.app, held.license.id, changes)
  changed(held)
}

type Close = () => void
type ActProps = Held & { readonly onClose: Close }

function Extend({ app, license, onClose }: ActProps): JSX.Element {
  const { expiresAt } = license
  const start = Math.max(expiresAt ?? now(), now())
  const [end, setEnd] = useState<number | null>(start + days(365))
  const isWrong = end !== null && !Number.isFinite(end)
  const act = async (): Promise<void> => {
    await update({ app, license }, end === null ? { forever: true } : { expiresAt: end })
    // An end in the past cannot be set again.
    const canUndo = expiresAt === null || expiresAt > now()
    const back: LicenseChanges = expiresAt === null ? { forever: true } : { expiresAt }
    const undo = canUndo ? () => update({ app, license }, back) : null
    say(end === null ? text.extendedForever : text.extended(dateOf(end)), undo)
  }
  return (
    <Dialog
      title={text.extendTitle}
      lead={text.extendLead}
      action={end === null ? text.forever : isWrong ? text.newEnd : text.extendTo(dateOf(end))}
      onAct={act}
      onClose={onClose}
    >
      <Field label={text.newEnd}>
        <input
          type="date"
          min={toField(now() + days(1))}
          value={end === null || isWrong ? '' : toField(end)}
          onInput={({ currentTarget: { value } }) => setEnd(fromField(value))}
        />
      </Field>
      <p class="choices">
        <button type="button" onClick={() => setEnd(start + days(30))}>
          {text.month}
        </button>
        <button type="button" onClick={() => setEnd(start + days(365))}>
          {text.year}
        </button>
        <button type="button" onClick={() => setEnd(null)}>
          {text.forever}
        </button>
      </p>
    </Dialog>
  )
}

function ChangeTier({ app, license, onClose }: ActProps): JSX.Element {
  const tiers = (useTiers(app).value.value ?? []).filter(({ id }) => id !== license.tierId)
  const [chosen, setChosen] = useState<Tier | undefined>(undefined)
  const tier = chosen ?? tiers[0]
  const act = async (): Promise<void> => {
    if (tier === undefined) return
    const { tierId } = license
    await update({ app, license }, { tierId: tier.id })
    say(text.tierChanged(tier.name), tierId === null ? null : () => update({ app, license }, { tierId }))
  }
  return (
    <Dialog
      title={text.tierTitle}
      lead={text.tierLead}
      action={text.tierTo(tier?.name ?? '')}
      onAct={act}
      onClose={onClose}
    >
      <Field label={pageWords.licenses.tier}>
        <select
          value={tier?.id ?? ''}
          onChange={({ currentTarget: { value } }) => setChosen(tiers.find(({ id }) => id === value))}
        >
          {tiers.map(({ id, name, features }) => (
            <option key={id} value={id}>
              {name}: {features.join(', ') || text.nothing}
            </option>
          ))}
        </select>
      </Field>
    </Dialog>
  )
}

function Move({ app, license, onClose }: ActProps): JSX.Element {
  const [target, setTarget] = useState('')
  const act = async (): Promise<void> => {
    const { installationId } = license
    await update({ app, license }, { installationId: target.trim() })
    say(text.moved, () => update({ app, license }, { installationId }))
  }
  return (
    <Dialog title={text.moveTitle} lead={text.moveLead} action={text.moveTo} onAct={act} onClose={onClose}>
      <Field label={text.newInstallation}>
        <input
          value={target}
          required
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => setTarget(event.currentTarget.value)}
        />
      </Field>
    </Dialog>
  )
}

async function reinstate(held: Held): Promise<void> {
  await licensing.licenses.reinstate(held.app, held.license.id)
  changed(held)
}

function Revoke({ app, license, onClose }: ActProps): JSX.Element {
  const [reason, setReason] = useState('')
  const act = async (): Promise<void> => {
    await licensing.licenses.revoke(app, license.id, { reason: reason.trim() || null })
    changed({ app, license })
    say(text.wasRevoked, () => reinstate({ app, license }))
  }
  return (
    <Dialog
      title={text.revokeTitle}
      lead={text.revokeLead}
      action={text.revokeNow}
      isDanger
      onAct={act}
      onClose={onClose}
    >
      <Field label={text.reason}>
        <input
          value={reason}
          maxLength={1024}
          autocomplete="off"
          onInput={(event) => setReason(event.currentTarget.value)}
        />
      </Field>
    </Dialog>
  )
}

const dialogs = { extend: Extend, tier: ChangeTier, move: Move, revoke: Revoke }

/** Runs an act of one click, and says how it ended. */
async function quickly(act: () => Promise<unknown>, done: string): Promise<void> {
  try {
    await act()
    say(done)
  } catch (error) {
    complain(error)
  }
}

/** The acts on a license that the person may do. A seat gets its terms from its license key. */
export function Acts({ app, license, tier }: Held & { readonly tier: Tier | undefined }): JSX.Element | null {
  const [open, setOpen] = useState<keyof typeof dialogs | null>(null)
  if (!may('licenses:write')) return null
  const held = { app, license }
  const news = gained(license, tier)
  const Opened = open === null ? null : dialogs[open]
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
  if (license.status === 'revoked')
    return (
      <div class="actions">
        <button
          type="button"
          class="primary"
          onClick={() => void quickly(() => reinstate(held), text.reinstated)}
        >
          {text.reinstate}
        </button>
      </div>
    )
  return (
    <>
      {isSeat && <p class="quiet">{text.ofSeat}</p>}
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
        {opener('revoke', text.revoke, 'danger')}
      </div>
      {Opened !== null && <Opened app={app} license={license} onClose={() => setOpen(null)} />}
    </>
  )
}

/** Fetches the token at the click, and keeps it nowhere. Over plain http the person copies it by hand. */
export function Handout({ app, license }: Held): JSX.Element | null {
  const [shown, setShown] = useState<string | null>(null)
  if (license.status !== 'active' || !('jti' in license)) return null
  const take = async (): Promise<void> => {
    try {
      const token = await licensing.licenses.token(app, license.id)
      if (token === null) return
      if (await copy(token)) say(text.copied)
      else setShown(token)
    } catch (error) {
      complain(error)
    }
  }
  const file = new URL(`api/v1/apps/${encodeURIComponent(app)}/licenses/${license.id}/file`, base)
  return (
    <div class="handout">
      <a class="button" href={file.href} download={`${app}.license`}>
        <Icon name="down" /> {text.file}
      </a>
      <button type="button" onClick={() => void take()}>
        <Icon name="copy" /> {text.copyToken}
      </button>
      {shown !== null && (
        <Dialog
          title={text.copyByHand}
          lead={text.copyHint}
          action={words.acts.close}
          onAct={async () => undefined}
          onClose={() => setShown(null)}
        >
          <textarea
            class="token"
            rows={6}
            readOnly
            aria-label={text.copyByHand}
            value={shown}
            onFocus={(event) => event.currentTarget.select()}
          />
        </Dialog>
      )}
    </div>
  )
}
