import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { License, LicenseChanges, Tier } from '../../src/core/index.ts'
import { codeOf, messageOf } from '../api.ts'
import { Badge } from '../badge.tsx'
import { Dialog } from '../dialog.tsx'
import { Field } from '../field.tsx'
import { TextField } from '../form.tsx'
import { useLicense, useTiers } from '../known.ts'
import { to } from '../router.ts'
import { ago, dateOf, days, fromField, now, toField } from '../times.ts'
import { say } from '../toasts.tsx'
import { pageWords } from '../page-words.ts'
import { Difference } from './claims.tsx'
import { revoke, reinstate, update, type Held } from './license-changes.ts'

const text = pageWords.license

export type ActProps = Held & { readonly onClose: () => void; readonly onNewToken?: () => void }

/** The time at which the program will know of a change. */
function noticeOf({ status, seenAt }: License): string {
  if (status === 'expired') return text.noticesByToken
  if (!seenAt) return text.noticesUnseen
  return now() - seenAt < days(2) ? text.noticesSoon : text.noticesLate(ago(seenAt))
}

export function Extend({ app, license, onClose, onNewToken }: ActProps): JSX.Element {
  const { expiresAt, status } = license
  const start = Math.max(expiresAt ?? now(), now())
  const [end, setEnd] = useState<number | null>(start + days(365))
  const tiers = useTiers(app).value.value
  const tier = tiers?.find(({ id }) => id === license.tierId)
  const isWrong = end !== null && !Number.isFinite(end)
  const act = async (): Promise<void> => {
    await update({ app, license }, end === null ? { forever: true } : { expiresAt: end })
    // An end in the past cannot be set again.
    const canUndo = expiresAt === null || expiresAt > now()
    const back: LicenseChanges = expiresAt === null ? { forever: true } : { expiresAt }
    const undo = canUndo ? () => update({ app, license }, back) : null
    say(end === null ? text.extendedForever : text.extended(dateOf(end)), undo)
    if (status === 'expired') onNewToken?.()
  }
  return (
    <Dialog
      title={text.extendTitle}
      lead={noticeOf(license)}
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
      {!isWrong && (
        <Difference
          license={license}
          tier={tier}
          tierName={tier?.name ?? license.tier}
          next={{ expiresAt: end }}
        />
      )}
    </Dialog>
  )
}

export function ChangeTier({ app, license, onClose }: ActProps): JSX.Element {
  const all = useTiers(app).value.value ?? []
  const tiers = all.filter(({ id }) => id !== license.tierId)
  const [chosen, setChosen] = useState<Tier | undefined>(undefined)
  const tier = chosen ?? tiers[0]
  const present = all.find(({ id }) => id === license.tierId)?.name ?? license.tier
  const act = async (): Promise<void> => {
    if (tier === undefined) return
    const { tierId } = license
    await update({ app, license }, { tierId: tier.id })
    say(text.tierChanged(tier.name), tierId === null ? null : () => update({ app, license }, { tierId }))
  }
  return (
    <Dialog
      title={text.tierTitle}
      lead={noticeOf(license)}
      action={text.tierTo(tier?.name ?? '')}
      onAct={act}
      onClose={onClose}
    >
      <Field label={pageWords.licenses.tier}>
        <select
          value={tier?.id ?? ''}
          onChange={({ currentTarget: { value } }) => setChosen(tiers.find(({ id }) => id === value))}
        >
          {tiers.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </Field>
      {tier !== undefined && (
        <Difference license={license} tier={tier} tierName={present} next={{ tierName: tier.name }} />
      )}
    </Dialog>
  )
}

/** The license that has the place of the installation already. */
function InTheWay({ app, id }: { readonly app: string; readonly id: string }): JSX.Element | null {
  const { value } = useLicense(app, id).value
  if (value === undefined) return null
  return (
    <p class="in-the-way">
      <a href={to(['apps', app, 'licenses', id])}>{value.name ?? id}</a> <Badge status={value.status} />
      <span class="quiet">
        {value.tier}, {value.expiresAt === null ? pageWords.licenses.forever : dateOf(value.expiresAt)}
      </span>
    </p>
  )
}

export function Move({ app, license, onClose, onNewToken }: ActProps): JSX.Element {
  const [target, setTarget] = useState('')
  const [other, setOther] = useState<string | null>(null)
  const act = async (): Promise<void> => {
    const { installationId } = license
    setOther(null)
    try {
      await update({ app, license }, { installationId: target.trim() })
    } catch (error) {
      const [id] = codeOf(error) === 'conflict' ? (/lic_[0-9a-z]{26}/.exec(messageOf(error)) ?? []) : []
      if (id === undefined) throw error
      setOther(id)
      throw new Error(text.inTheWay, { cause: error })
    }
    say(text.moved, () => update({ app, license }, { installationId }))
    onNewToken?.()
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
      {other !== null && <InTheWay app={app} id={other} />}
    </Dialog>
  )
}

export function Revoke({ app, license, onClose }: ActProps): JSX.Element {
  const [reason, setReason] = useState('')
  const act = async (): Promise<void> => {
    await revoke({ app, license }, reason.trim() || null)
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
      <TextField label={text.reason} value={reason} onValue={setReason} most={1_024} isOptional />
    </Dialog>
  )
}
