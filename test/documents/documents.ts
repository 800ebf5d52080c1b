import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The response that curl received, and the output of its command. */
export interface CurlAnswer {
  readonly status: number
  readonly contentType: string
  readonly text: string
  /** The body as JSON; what is none is refused. */
  json<Body>(): Body
}

/** The values that replace the examples in a document's command. */
export interface Places {
  readonly url: string
  readonly key: string | null
  readonly license?: string
  readonly token?: string
}

/** A copy of a product document, as it was given. */
export function documentText(name: 'apps' | 'license-regeneration'): string {
  return readFileSync(new URL(`${name}.txt`, import.meta.url), 'utf8')
}

/**
 * The curl commands of a document as they are typed. Each ends with its line or with the body in single quotes; what
 * stands behind that is prose in the one document and a stray quote in the other.
 */
export function curlCommands(text: string): readonly string[] {
  const commands = text.matchAll(/^\$ (curl (?:[^\n'\\]|\\\n)*(?:'[^']*')?)/gm)
  return [...commands].map(([, command = '']) => command.trim())
}

/** Puts host, key, id and token in, and nothing else. */
export function placed(command: string, { url, key, license = '', token = '' }: Places): string {
  return command
    .replace('http://localhost:4000', url)
    .replace(' /api/', ` ${url}/api/`)
    .replace(/sk_live_(\.\.\.|\w+)/, key ?? '')
    .replace('lic_abc123', license)
    .replace(/eyJ\w+\.\.\./, token)
}

/** Lets the command stand as it is and has curl say status and content type behind the body. */
const curlWithStatus = `curl() { command curl -sS -w '\\n%{http_code}\\t%{content_type}' "$@"; }\n`

/** Runs a curl command in a shell. */
export function runCurl(command: string): Promise<CurlAnswer> {
  return new Promise((done, fail) => {
    execFile('bash', ['-c', curlWithStatus + command], { timeout: 60_000 }, (error, stdout, stderr) => {
      if (error !== null) return fail(new Error(`${command}\n${stderr}`, { cause: error }))
      const end = stdout.lastIndexOf('\n')
      const [status = '', contentType = ''] = stdout.slice(end + 1).split('\t')
      const text = stdout.slice(0, end)
      done({ status: Number(status), contentType, text, json: () => JSON.parse(text) })
    })
  })
}
