import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { License } from '../../src/core/index.ts'
import { csvOf, save, type Row } from '../csv.ts'
import { licensing } from '../api.ts'
import { useKnown } from '../data.ts'
import { Icon } from '../icons.tsx'
import { keysWords } from '../keys-words.ts'
import { fleetName } from '../signing.ts'
import { eachLicense, type Progress } from '../license-pages.ts'
import { ProgressLine } from '../progress.tsx'
import { to } from '../router.ts'
import { ago, exactly } from '../times.ts'
import { complain } from '../toasts.tsx'

const text = keysWords.rotation
const shown = 10
const heads = ['license', 'customer', 'installation', 'computer', 'program', 'last_seen']

function rowOf({ id, customerId, installationId, name, seenClient, seenAt }: License): Row {
  const seen = seenAt === null ? null : new Date(seenAt * 1000).toISOString()
  return [id, customerId, installationId, name, seenClient, seen]
}

/** Licenses that were last seen before a time, or never. */
interface StragglersProps {
  readonly app: string
  readonly before: number
  /** The number of those that were never seen. The list of the server does not have them. */
  readonly never: number
  readonly count: number
}

async function exportAll(
  { app, before, never }: StragglersProps,
  signal: AbortSignal,
  tell: (progress: Progress) => void,
): Promise<void> {
  const rows: Row[] = [heads]
  const take = (license: License): void => {
    if (license.seenAt === null || license.seenAt < before) rows.push(rowOf(license))
  }
  // Without a license that was never seen, the filter of the server spares reading the others.
  const filter = never === 0 ? { seenBefore: before } : {}
  await eachLicense(app, { ...filter, status: 'active' }, signal, take, tell)
  save(`${app}-stragglers.csv`, csvOf(rows))
}

function Export(props: StragglersProps): JSX.Element {
  const [progress, setProgress] = useState<Progress | null>(null)
  const flight = useRef<AbortController | null>(null)
  useEffect(() => () => flight.current?.abort(), [])
  const act = async (): Promise<void> => {
    const controller = (flight.current = new AbortController())
    setProgress({ done: 0, all: 0 })
    try {
      await exportAll(props, controller.signal, setProgress)
    } catch (error) {
      if (!controller.signal.aborted) complain(error)
    }
    setProgress(null)
  }
  if (progress !== null)
    return <ProgressLine label={text.exporting(progress.done, progress.all)} progress={progress} />
  return (
    <button type="button" onClick={() => void act()}>
      <Icon name="down" /> {text.export(props.count)}
    </button>
  )
}

export function Stragglers(props: StragglersProps): JSX.Element {
  const { app, before, never } = props
  // Seconds pass while the page is open, and each of them would be another question.
  const name = `${fleetName(app)} stragglers ${Math.floor(before / 3_600)}`
  const list = useKnown(name, async (signal) => {
    const query = { status: 'active', seenBefore: before, perPage: shown } as const
    return (await licensing.withOptions({ signal }).licenses.list(app, query)).data
  }).value.value
  return (
    <div class="stragglers">
      {list !== undefined && list.length > 0 && (
        <>
          <p class="quiet">{text.listed(list.length)}</p>
          <ul class="apps">
            {list.map(({ id, name: computer, seenAt, seenClient }) => (
              <li key={id}>
                <a href={to(['apps', app, 'licenses', id])}>
                  {computer === null ? <code>{id.slice(0, 14)}…</code> : <strong>{computer}</strong>}{' '}
                  <span>{seenClient}</span>
                  {seenAt !== null && (
                    <time class="quiet" title={exactly(seenAt)}>
                      {ago(seenAt)}
                    </time>
                  )}
                </a>
              </li>
            ))}
          </ul>
        </>
      )}
      {never > 0 && <p class="note">{text.neverListed(never)}</p>}
      <div class="actions">
        <Export {...props} />
      </div>
    </div>
  )
}
