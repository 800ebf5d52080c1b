import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { License, LicenseKey, Listing } from '../../src/core/index.ts'
import { licensing } from '../api.ts'
import { Badge } from '../badge.tsx'
import { forget, useKnown } from '../data.ts'
import { Dialog } from '../dialog.tsx'
import { Field } from '../field.tsx'
import { names } from '../known.ts'
import { go, here, to } from '../router.ts'
import { may } from '../session.ts'
import { Shown } from '../states.tsx'
import { ago, exactly } from '../times.ts'
import { say } from '../toasts.tsx'
import { keyWords as text } from '../key-words.ts'
import { pageWords } from '../page-words.ts'

interface Held {
  readonly app: string
  readonly licenseKey: LicenseKey
}

/** Everything that a change of a license key moves. */
export function keyChanged(app: string, { id }: LicenseKey): void {
  forget(names.licenseKey(app, id))
  forget(names.licenseKeys(app))
  forget(names.licenses(app))
  forget(`license ${app} `)
}

const nameOf = ({ name, installationId }: License): string => name ?? `…${installationId.slice(-6)}`

function Release({
  app,
  licenseKey,
  seat,
  onClose,
}: Held & { readonly seat: License; readonly onClose: () => void }): JSX.Element {
  const act = async (): Promise<void> => {
    await licensing.licenseKeys.release(app, seat.id)
    keyChanged(app, licenseKey)
    say(text.released)
  }
  return (
    <Dialog
      title={`${text.releaseTitle}: ${nameOf(seat)}`}
      lead={text.releaseLead}
      action={text.releaseNow}
      isDanger
      onAct={act}
      onClose={onClose}
    />
  )
}

function Seat({ app, licenseKey, seat }: Held & { readonly seat: License }): JSX.Element {
  const [isOpen, setOpen] = useState(false)
  const { id, status, seenAt } = seat
  return (
    <tr>
      <th scope="row">
        <a href={to(['apps', app, 'licenses', id])}>{nameOf(seat)}</a>
      </th>
      <td>
        <Badge status={status} />
      </td>
      <td>{seenAt ? <time title={exactly(seenAt)}>{ago(seenAt)}</time> : text.never}</td>
      <td>
        {status !== 'revoked' && may('licenses:release') && (
          <button
            type="button"
            class="link"
            aria-label={text.releaseOf(nameOf(seat))}
            onClick={() => setOpen(true)}
          >
            {text.release}
          </button>
        )}
        {isOpen && <Release app={app} licenseKey={licenseKey} seat={seat} onClose={() => setOpen(false)} />}
      </td>
    </tr>
  )
}

function Table({ app, licenseKey, listing }: Held & { readonly listing: Listing<License> }): JSX.Element {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={text.seatList}>
      <table class="list">
        <thead>
          <tr>
            {[text.computer, text.state, text.seen].map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
            <th scope="col">
              <span class="unseen">{text.act}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {listing.data.map((seat) => (
            <Seat key={seat.id} app={app} licenseKey={licenseKey} seat={seat} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** The computers that have, or had, a seat. */
export function Seats({ app, licenseKey }: Held): JSX.Element {
  const { id } = licenseKey
  const cursor = here.value.query.get('cursor')
  const name = `${names.licenseKey(app, id)} seats ${cursor ?? ''}`
  const known = useKnown(name, (signal) =>
    licensing.withOptions({ signal }).licenses.list(app, {
      licenseKeyId: id,
      perPage: 50,
      ...(cursor !== null && { cursor }),
    }),
  )
  return (
    <>
      <h2 id="seats">{text.seats}</h2>
      <Shown known={known.value} name={name}>
        {(listing) => (
          <>
            {listing.data.length === 0 ? (
              <p class="sub small">{text.noSeats}</p>
            ) : (
              <Table app={app} licenseKey={licenseKey} listing={listing} />
            )}
            {listing.nextCursor !== null && (
              <p class="pager">
                <a
                  class="button"
                  href={to(['apps', app, 'license-keys', id], { cursor: listing.nextCursor })}
                >
                  {pageWords.licenses.older}
                </a>
              </p>
            )}
          </>
        )}
      </Shown>
    </>
  )
}

/** Takes a seat for a computer that reaches no server. The text of the license key goes from server to page and back, unseen. */
export function Activate({ app, licenseKey, onClose }: Held & { readonly onClose: () => void }): JSX.Element {
  const [installationId, setInstallation] = useState('')
  const [name, setName] = useState('')
  const act = async (): Promise<void> => {
    const { key } = await licensing.licenseKeys.get(app, licenseKey.id, { include: 'key' })
    const { license } = await licensing.licenseKeys.activate(app, key, {
      installationId: installationId.trim(),
      name: name.trim() || null,
    })
    keyChanged(app, licenseKey)
    say(text.activated)
    go(to(['apps', app, 'licenses', license.id]))
  }
  return (
    <Dialog
      title={text.activateTitle}
      lead={text.activateLead}
      action={text.activateNow}
      onAct={act}
      onClose={onClose}
    >
      <Field label={text.installation}>
        <input
          required
          autocomplete="off"
          spellcheck={false}
          value={installationId}
          onInput={(event) => setInstallation(event.currentTarget.value)}
        />
      </Field>
      <Field label={text.computerName}>
        <input
          maxLength={64}
          autocomplete="off"
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </Field>
    </Dialog>
  )
}
