import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { Icon } from './icons.tsx'
import { copy } from './clipboard.ts'
import { base } from './place.ts'
import { words } from './words.ts'

/** The call of a page in three forms. */
export interface Code {
  /** The method and the path below `/api/v1`. */
  readonly call: string
  /** The body as JSON. */
  readonly body?: object
  readonly typescript: string
  /** The words after `heartwood`. */
  readonly cli?: string
}

export type Form = 'curl' | 'typescript' | 'cli'

export function curlOf({ call, body }: Code): string {
  const [method = 'GET', path = ''] = call.split(' ')
  const address = `${base.href}api/v1${path}`
  const lines = [
    // A shell would take the & of a query for its own.
    `curl ${method === 'GET' ? '' : `-X ${method} `}${path.includes('?') ? `'${address}'` : address}`,
    `  -H "Authorization: Bearer $HEARTWOOD_API_KEY"`,
    ...(body === undefined
      ? []
      : [`  -H 'Content-Type: application/json'`, `  -d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`]),
  ]
  return lines.join(' \\\n')
}

function textOf(code: Code, form: Form): string {
  if (form === 'curl') return curlOf(code)
  return form === 'cli' ? `heartwood ${code.cli}` : code.typescript
}

/** Shows how a program does what the page does. */
export function AsCode({
  code,
  isOpen = false,
}: {
  readonly code: Code
  /** True on an empty page, which teaches by it. */
  readonly isOpen?: boolean
}): JSX.Element {
  const [form, setForm] = useState<Form | null>(isOpen ? 'curl' : null)
  const [isCopied, setCopied] = useState(false)
  const forms: readonly Form[] =
    code.cli === undefined ? ['curl', 'typescript'] : ['curl', 'typescript', 'cli']
  const text = form === null ? '' : textOf(code, form)
  const choose = (next: Form): void => {
    setForm(next === form ? null : next)
    setCopied(false)
  }
  return (
    <section class="as-code">
      <p>
        {words.code.sameAs}{' '}
        {forms.map((each) => (
          <button
            key={each}
            type="button"
            class="link"
            aria-expanded={each === form}
            onClick={() => choose(each)}
          >
            {words.code[each]}
          </button>
        ))}
      </p>
      {form !== null && (
        <div class="code">
          <pre tabIndex={0} role="region" aria-label={words.code[form]}>
            <code>{text}</code>
          </pre>
          <button type="button" onClick={() => void copy(text).then(setCopied)}>
            <Icon name={isCopied ? 'check' : 'copy'} /> {isCopied ? words.code.copied : words.code.copy}
          </button>
        </div>
      )}
    </section>
  )
}
