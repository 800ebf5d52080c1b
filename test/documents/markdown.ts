import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'

/** A fenced block of a page. */
export interface Block {
  /** The path of its page from the root of the repository. */
  readonly page: string
  readonly line: number
  /** The heading that it stands under, without its `#`s. */
  readonly heading: string
  readonly language: string
  readonly code: string
  /** The text of the HTML comment right before it; empty without one. */
  readonly marker: string
}

/** A link of a page to another place in the repository. */
export interface Link {
  readonly page: string
  /** The path from the root of the repository. */
  readonly target: string
  /** The part after `#`; empty without one. */
  readonly anchor: string
}

const rootPages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md']
const folderPages = ['vectors/README.md']

/** The pages that the repository shows its readers. */
export function pages(): readonly string[] {
  const docs = readdirSync('docs', { recursive: true, encoding: 'utf8' })
  const inDocs = docs.filter((path) => path.endsWith('.md')).map((path) => `docs/${path}`)
  const inRoot = readdirSync('.').filter((path) => rootPages.includes(path))
  return [...inRoot, ...folderPages, ...inDocs.toSorted()]
}

/** The text of a page. */
export function textOf(page: string): string {
  return readFileSync(page, 'utf8')
}

const comment = /^<!-- (.*?) -->$/

function markerBefore(lines: readonly string[], fence: number): string {
  const before = lines.slice(0, fence).findLast((line) => line !== '') ?? ''
  return comment.exec(before)?.[1] ?? ''
}

/** The fenced blocks of a page, in their order. */
export function blocksOf(page: string, text: string = textOf(page)): readonly Block[] {
  const lines = text.split('\n')
  const blocks: Block[] = []
  let heading = ''
  let open: { readonly line: number; readonly language: string } | null = null
  for (const [index, line] of lines.entries()) {
    const fence = /^```(\w*)/.exec(line)
    if (open === null && fence !== null) open = { line: index, language: fence[1] ?? '' }
    else if (open === null) heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading
    else if (line === '```') {
      const code = `${lines.slice(open.line + 1, index).join('\n')}\n`
      const marker = markerBefore(lines, open.line)
      blocks.push({ page, line: open.line + 1, heading, language: open.language, code, marker })
      open = null
    }
  }
  if (open !== null) throw new Error(`${page}:${open.line + 1} has a block without an end`)
  return blocks
}

/** The page without its fenced blocks and inline code, in which brackets are no links. */
function proseOf(page: string): string {
  return textOf(page)
    .replace(/^```[\s\S]*?^```$/gm, '')
    .replace(/`[^`\n]+`/g, (code) => code.replaceAll(/[[\]]/g, ''))
}

/** The links of a page that stay in the repository. */
export function linksOf(page: string): readonly Link[] {
  const links = proseOf(page).matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)/g)
  return [...links].map(([, path = '', anchor = '']) => {
    const target = path === '' ? page : posix.join(posix.dirname(page), path)
    return { page, target, anchor }
  })
}

/** The anchors that GitHub gives the headings of a page. */
export function anchorsOf(page: string): readonly string[] {
  const headings = proseOf(page).matchAll(/^#+ (.*)$/gm)
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
