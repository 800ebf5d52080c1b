import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Expiry } from '../../src/core/index.ts'
import { licensing } from '../api.ts'
import { forget } from '../data.ts'
import { Dialog } from '../dialog.tsx'
import { Field } from '../field.tsx'
import { names, useTiers } from '../known.ts'
import { go, to } from '../router.ts'
import { say } from '../toasts.tsx'
import { keyWords as text } from '../key-words.ts'
import { keepText } from './license-key-text.tsx'

const ends: Readonly<Record<'year' | 'month' | 'forever', Expiry>> = {
  year: { durationDays: 365 },
  month: { durationDays: 30 },
  forever: { forever: true },
}

/** Makes a license key, and its customer if the app has none of that address. */
export function IssueKey({
  app,
  onClose,
}: {
  readonly app: string
  readonly onClose: () => void
}): JSX.Element {
  const tiers = useTiers(app).value.value ?? []
  const [email, setEmail] = useState('')
  const [tier, setTier] = useState('')
  const [seats, setSeats] = useState(1)
  const [end, setEnd] = useState<keyof typeof ends>('year')
  const act = async (): Promise<void> => {
    const customer = await licensing.customers.getOrCreate(app, { email: email.trim() })
    const tierId = tier || (tiers[0]?.slug ?? '')
    const made = await licensing.licenseKeys.create(app, {
      customerId: customer.customer.id,
      tierId,
      seats,
      ...ends[end],
    })
    forget(names.licenseKeys(app))
    keepText(made.id, made.key)
    say(text.issued)
    go(to(['apps', app, 'license-keys', made.id]))
  }
  return (
    <Dialog
      title={text.issueTitle}
      lead={text.issueLead}
      action={text.issueFor(seats)}
      onAct={act}
      onClose={onClose}
    >
      <Field label={text.email} hint={text.emailHint}>
        <input
          type="email"
          required
          autocomplete="off"
          value={email}
          onInput={(event) => setEmail(event.currentTarget.value)}
        />
      </Field>
      <Field label={text.tier}>
        <select
          value={tier || (tiers[0]?.slug ?? '')}
          onChange={(event) => setTier(event.currentTarget.value)}
        >
          {tiers.map(({ slug, name }) => (
            <option key={slug} value={slug}>
              {name}
            </option>
          ))}
        </select>
      </Field>
      <Field label={text.seatCount}>
        <input
          type="number"
          min={1}
          max={10_000}
          required
          value={seats}
          onInput={({ currentTarget: { valueAsNumber } }) => setSeats(valueAsNumber || 1)}
        />
      </Field>
      <Field label={text.lasts}>
        <select value={end} onChange={(event) => setEnd(event.currentTarget.value as keyof typeof ends)}>
          <option value="year">{text.year}</option>
          <option value="month">{text.month}</option>
          <option value="forever">{text.forever}</option>
        </select>
      </Field>
    </Dialog>
  )
}
