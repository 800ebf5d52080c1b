import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Block } from '../documents/markdown.ts'
import { openTerminal, type Pasted } from './terminal.ts'

/** A reader's folder. The tests paste the blocks of a page into it, one after the other. */
export interface OpenPage {
  /** The address of the server that the page starts. */
  readonly url: string
  /**
   * Pastes a block. The language decides: `sh` runs in a shell, and `ts` becomes the file that its first line names. `json`
   * and `text` must equal the output of the block before. @throws {Error} if a command or a comparison fails.
   */
  paste(block: Block): Promise<Pasted>
  stopServers(): Promise<void>
  close(): Promise<void>
}

interface Options {
  readonly folder: string
  /** Replaces the port 4000 of the pages. */
  readonly port: number
  readonly env: Readonly<Record<string, string>>
}

/** True if a value is as a page shows it. `…` stands for any text. */
export function isAsShown(actual: unknown, shown: unknown): boolean {
  if (typeof shown === 'string' && typeof actual === 'string') {
    const literals = shown.split('…').map((part) => part.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`))
    return new RegExp(`^${literals.join('[\\s\\S]*')}$`).test(actual)
  }
  if (typeof shown !== 'object' || shown === null) return actual === shown
  if (typeof actual !== 'object' || actual === null) return false
  const [names, others] = [Object.keys(shown), Object.keys(actual)]
  const pairs = names.map((name) => [actual[name as never], shown[name as never]] as const)
  return names.join() === others.join() && pairs.every(([left, right]) => isAsShown(left, right))
}

/** The file name of a TypeScript block, from the comment in its first line. */
export function fileOf({ code }: Block): string | undefined {
  return /^\/\/ (\S+\.ts)\n/.exec(code)?.[1]
}

function compare(block: Block, { stdout }: Pasted): void {
  const lines = stdout.trimEnd().split('\n')
  const shown = block.code.trimEnd()
  const actual =
    block.language === 'json' ? (lines.at(-1) ?? '') : lines.slice(-shown.split('\n').length).join('\n')
  const isSame =
    block.language === 'json' ? isAsShown(JSON.parse(actual), JSON.parse(shown)) : isAsShown(actual, shown)
  assert.ok(isSame, `${block.page}:${block.line} shows\n${shown}\nbut the output is\n${actual}`)
}

/** Opens a page's folder. */
export function openPage({ folder, port, env }: Options): OpenPage {
  const url = `http://127.0.0.1:${port}`
  const terminal = openTerminal({ cwd: folder, env: { ...env, PORT: String(port) } })
  const noOutput: Pasted = { stdout: '', stderr: '' }
  let last = noOutput

  async function paste(block: Block): Promise<Pasted> {
    const code = block.code.replaceAll('4000', String(port))
    const { language } = block
    if (language === 'ts') writeFileSync(join(folder, fileOf(block) ?? `line-${block.line}.ts`), code)
    else if (block.marker.startsWith('keeps running')) await terminal.serve(code, `${url}/api/health`)
    else if (language === 'sh') return (last = await terminal.paste(code))
    else compare({ ...block, code }, last)
    return noOutput
  }

  const { stopServers, close } = terminal
  return { url, paste, stopServers, close }
}
