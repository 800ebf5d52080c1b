import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path/posix'
import { parsers } from 'prettier/plugins/babel'

/** A block comment, or line comments on lines that follow each other. */
export interface CommentBlock {
  readonly file: string
  readonly line: number
  /** The text without comment signs, in one line. */
  readonly text: string
}

interface Comment {
  readonly type: 'CommentBlock' | 'CommentLine' | 'InterpreterDirective'
  readonly value: string
  readonly loc: {
    readonly start: { readonly line: number; readonly column: number }
    readonly end: { readonly line: number }
  }
}

/** Every program file below a folder, from the repository's root, sorted. */
export function programFiles(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.m?[jt]s$/.test(path) && !path.includes('node_modules'))
    .map((path) => join(folder, path.replaceAll('\\', '/')))
    .toSorted()
}

/** True if a line comment goes on with the text of the one in the line above. */
function isContinued({ type, loc }: Comment, next: Comment): boolean {
  const isBelow = next.loc.start.line === loc.end.line + 1 && next.loc.start.column === loc.start.column
  return type === 'CommentLine' && next.type === 'CommentLine' && isBelow
}

function textOf(comments: readonly Comment[]): string {
  const lines = comments.flatMap(({ value }) => value.split('\n'))
  return lines
    .map((line) => line.replace(/^\s*\*+/, '').trim())
    .join(' ')
    .trim()
}

/** Every comment block of a source file, from its syntax tree. Text in strings is no comment. */
export function commentBlocks(
  file: string,
  source: string = readFileSync(file, 'utf8'),
): readonly CommentBlock[] {
  const tree = parsers['babel-ts'].parse(source, {} as never) as { readonly comments: readonly Comment[] }
  const blocks: Comment[][] = []
  for (const comment of tree.comments) {
    if (comment.type === 'InterpreterDirective') continue
    const block = blocks.at(-1)
    const last = block?.at(-1)
    if (last !== undefined && isContinued(last, comment)) block?.push(comment)
    else blocks.push([comment])
  }
  return blocks.map((block) => ({ file, line: block[0]?.loc.start.line ?? 0, text: textOf(block) }))
}
