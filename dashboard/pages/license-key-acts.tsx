import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { LicenseKey, LicenseKeyChanges } from '../../src/core/index.ts'
import { licensing } from '../api.ts'
import { Dialog } from '../dialog.tsx'
import { Field } from '../field.tsx'
import { TextField } from '../form.tsx'
import { may } from '../session.ts'
import { dateOf, days, fromField, now, toField } from '../times.ts'
import { Typed } from '../typed.tsx'
import { say } from '../toasts.tsx'
import { keyWords as text } from '../key-words.ts'
import { pageWords } from '../page-words.ts'
import { words } from '../words.ts'
import { quickly } from './license-changes.ts'
import { keepText } from './license-key-text.tsx'
import { Activate, keyChanged } from './seats.tsx'

interface ActProps {
  readonly app: string
  readonly licenseKey: LicenseKey
  readonly onClose: () => void
}

async function update(app: string, licenseKey: LicenseKey, changes: LicenseKeyChanges): Promise<void> {
  await licensing.licenseKeys.update(app, licenseKey.id, changes)
  keyChanged(app, licenseKey)
}

/** The end as a change; an end in the past cannot be set again. */
function endOf(expiresAt: number | null): LicenseKeyChanges {
  return expiresAt === null ? { forever: true } : { expiresAt }
}

function Change({ app, licenseKey, onClose }: ActProps): JSX.Element {
  const { seats, seatsUsed, expiresAt, starts, activatedAt } = licenseKey
  const hasBegun = starts === 'creation' || activatedAt !== null
  const [count, setCount] = useState(seats)
  const [end, setEnd] = useState(expiresAt)
  const isNewEnd = end !== expiresAt
  const act = async (): Promise<void> => {
    await update(app, licenseKey, { seats: count, ...(isNewEnd && endOf(end)) } as LicenseKeyChanges)
    const back = { seats, ...(isNewEnd && endOf(expiresAt)) } as LicenseKeyChanges
    const canUndo = !isNewEnd || expiresAt === null || expiresAt > now()
    say(text.changed, canUndo ? () => update(app, licenseKey, back) : null)
  }
  const from = Math.max(end ?? now(), now())
  const told = end === null ? text.forever : text.until(dateOf(end))
  return (
    <Dialog
      title={text.changeTitle}
      lead={text.changeLead(seatsUsed)}
      action={text.changeTo(count, told)}
      onAct={act}
      onClose={onClose}
    >
      <Field label={text.seatCount} {...(count < seatsUsed && { hint: text.over(seatsUsed - count) })}>
        <input
          type="number"
          min={1}
          max={10_000}
          required
          value={count}
          onInput={({ currentTarget: { valueAsNumber } }) => setCount(valueAsNumber || 1)}
        />
      </Field>
      {hasBegun && (
        <>
          <Field label={text.newEnd}>
            <input
              type="date"
              min={toField(now() + days(1))}
              value={end === null ? '' : toField(end)}
              onInput={({ currentTarget: { value } }) => {
                const chosen = fromField(value)
                if (Number.isFinite(chosen)) setEnd(chosen)
              }}
            />
          </Field>
          <p class="choices">
            <button type="button" onClick={() => setEnd(from + days(30))}>
              {pageWords.license.month}
            </button>
            <button type="button" onClick={() => setEnd(from + days(365))}>
              {pageWords.license.year}
            </button>
            <button type="button" onClick={() => setEnd(null)}>
              {pageWords.license.forever}
            </button>
          </p>
        </>
      )}
    </Dialog>
  )
}

const overlaps = [0, 1, 7, 30] as const

function Roll({ app, licenseKey, onClose }: ActProps): JSX.Element {
  const [overlapDays, setOverlap] = useState(0)
  const act = async (): Promise<void> => {
    const { id, key } = await licensing.licenseKeys.roll(app, licenseKey.id, { overlapDays })
    keyChanged(app, licenseKey)
    keepText(id, key)
    say(text.rolled)
  }
  return (
    <Dialog
      title={text.rollTitle}
      lead={text.rollLead}
      action={text.rollNow}
      isDanger
      onAct={act}
      onClose={onClose}
    >
      <Field label={text.overlap}>
        <select value={overlapDays} onChange={(event) => setOverlap(Number(event.currentTarget.value))}>
          {overlaps.map((count) => (
            <option key={count} value={count}>
              {count === 0 ? text.atOnce : text.days(count)}
            </option>
          ))}
        </select>
      </Field>
      <Typed text={licenseKey.keyLastFour} />
    </Dialog>
  )
}

function ReleaseAll({ app, licenseKey, onClose }: ActProps): JSX.Element {
  const act = async (): Promise<void> => {
    const { released } = await licensing.licenseKeys.releaseAll(app, licenseKey.id)
    keyChanged(app, licenseKey)
    say(text.releasedAll(released))
  }
  return (
    <Dialog
      title={text.releaseAllTitle}
      lead={text.releaseAllLead}
      action={text.releaseAllNow(licenseKey.seatsUsed)}
      isDanger
      onAct={act}
      onClose={onClose}
    >
      <Typed text={licenseKey.keyLastFour} />
    </Dialog>
  )
}

async function reinstate(app: string, licenseKey: LicenseKey): Promise<void> {
  await licensing.licenseKeys.reinstate(app, licenseKey.id)
  keyChanged(app, licenseKey)
}

async function revoke(app: string, licenseKey: LicenseKey, reason: string | null): Promise<void> {
  await licensing.licenseKeys.revoke(app, licenseKey.id, { reason })
  keyChanged(app, licenseKey)
}

function Revoke({ app, licenseKey, onClose }: ActProps): JSX.Element {
  const [reason, setReason] = useState('')
  const act = async (): Promise<void> => {
    await revoke(app, licenseKey, reason.trim() || null)
    say(text.wasRevoked, () => reinstate(app, licenseKey))
  }
  return (
    <Dialog
      title={text.revokeTitle}
      lead={text.revokeLead}
      action={text.revokeNow(licenseKey.seatsUsed)}
      isDanger
      onAct={act}
      onClose={onClose}
    >
      <TextField
        label={pageWords.license.reason}
        value={reason}
        onValue={setReason}
        most={1_024}
        isOptional
      />
    </Dialog>
  )
}

const dialogs = { change: Change, activate: Activate, roll: Roll, releaseAll: ReleaseAll, revoke: Revoke }

/** The acts on a license key that the person may do. */
export function KeyActs({ app, licenseKey }: Omit<ActProps, 'onClose'>): JSX.Element {
  const [open, setOpen] = useState<keyof typeof dialogs | null>(null)
  const { status, seatsUsed, revokedReason } = licenseKey
  const mayWrite = may('license_keys:write')
  const mayReveal = may('license_keys:reveal') && may('license_keys:read')
  const mayRelease = may('licenses:release') && mayWrite
  const Opened = open === null ? null : dialogs[open]
  const opener = (name: keyof typeof dialogs, label: string, kind = ''): JSX.Element => (
    <button type="button" class={kind} onClick={() => setOpen(name)}>
      {label}
    </button>
  )
  const again = (): Promise<void> =>
    quickly(
      () => reinstate(app, licenseKey),
      text.reinstated,
      () => revoke(app, licenseKey, revokedReason),
    )
  return (
    <>
      {!mayWrite && <p class="quiet">{words.acts.lacking('license_keys:write')}</p>}
      <div class="actions">
        {status === 'revoked' && mayWrite && (
          <button type="button" class="primary" onClick={() => void again()}>
            {text.reinstate(seatsUsed)}
          </button>
        )}
        {status !== 'revoked' && (
          <>
            {mayWrite && opener('change', text.change)}
            {mayReveal && status === 'active' && opener('activate', text.activate)}
            {mayWrite && opener('roll', text.roll)}
            {mayRelease && seatsUsed > 1 && opener('releaseAll', text.releaseAll, 'danger')}
            {mayWrite && opener('revoke', text.revoke, 'danger')}
          </>
        )}
      </div>
      {Opened !== null && <Opened app={app} licenseKey={licenseKey} onClose={() => setOpen(null)} />}
    </>
  )
}
