import type { JSX } from 'preact'
import type { AuditEntry } from '../../src/core/index.ts'
import { logWords } from '../log-words.ts'

const text = logWords.log

/** The way to prove that nobody has changed the log, and to take it along. */
export function Proof({ entries }: { readonly entries: readonly AuditEntry[] }): JSX.Element {
  const unsealed = entries.filter(({ seq }) => seq === null).length
  return (
    <section class="proof" aria-labelledby="proof">
      <h2 id="proof">{text.proof}</h2>
      <p>
        {unsealed === 0 ? text.allSealed : text.unsealedHere(unsealed)} {text.proofLead}
      </p>
      <pre class="command">
        <code>heartwood audit verify</code>
      </pre>
      <p>{text.exportLead}</p>
      <pre class="command">
        <code>heartwood audit export audit.ndjson</code>
      </pre>
      <p class="quiet">{text.keptFor}</p>
    </section>
  )
}
