import { readFileSync } from 'node:fs'

/** An instruction of a Dockerfile, such as `RUN` with its command. */
export interface Instruction {
  readonly name: string
  readonly value: string
}

/** A stage: all from one `FROM` to the next. */
export type Stage = readonly Instruction[]

/** The stages of a Dockerfile. It must not use here-documents. */
export function stagesOf(file: string): readonly Stage[] {
  const text = readFileSync(file, 'utf8')
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
  const instructions = [...text.matchAll(/^([A-Z]+)\s+(.*\S)\s*$/gm)].map(([, name = '', value = '']) => ({
    name,
    value,
  }))
  const stages: Instruction[][] = []
  for (const instruction of instructions) {
    if (instruction.name === 'FROM') stages.push([])
    stages.at(-1)!.push(instruction)
  }
  return stages
}

/** The values of all instructions with a name. */
export function valuesOf(stage: Stage, name: string): readonly string[] {
  return stage.filter((instruction) => instruction.name === name).map(({ value }) => value)
}

/** The value of the last instruction with a name: it counts. @throws {Error} if there is none. */
export function valueOf(stage: Stage, name: string): string {
  const value = valuesOf(stage, name).at(-1)
  if (value === undefined) throw new Error(`The stage has no ${name}`)
  return value
}

/** A command in its JSON form, which needs no shell in the image. @throws {Error} if it has another form. */
export function commandOf(value: string): readonly string[] {
  return JSON.parse(value.slice(value.indexOf('['))) as readonly string[]
}

/** The variables of all `ENV` instructions. */
export function environmentOf(stage: Stage): Readonly<Record<string, string>> {
  const pairs = valuesOf(stage, 'ENV').flatMap((value) => value.split(/\s+/))
  return Object.fromEntries(pairs.map((pair) => [pair.split('=')[0]!, pair.slice(pair.indexOf('=') + 1)]))
}
