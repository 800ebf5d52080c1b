/** Makes mutants of a source text by rules over its syntax tree. */
import { parsers } from 'prettier/plugins/typescript'

/** A small fault that a test should notice. */
export interface Mutant {
  /** Path of the source file, from the repository's root. */
  readonly file: string
  readonly line: number
  /** The innermost named function around it; empty outside of functions. */
  readonly place: string
  readonly before: string
  readonly after: string
  /** The whole text of the file, without and with the fault. */
  readonly source: string
  readonly text: string
}

interface Syntax {
  readonly type: string
  readonly range: readonly [number, number]
  readonly [field: string]: unknown
}

interface Change {
  readonly range: readonly [number, number]
  readonly after: string
}

/** The node with the nodes around it, nearest first. */
interface Found {
  readonly node: Syntax
  readonly around: readonly Syntax[]
  readonly source: string
}

type Rule = (found: Found) => readonly Change[]

const otherOperator: Readonly<Record<string, string>> = {
  ...{ '===': '!==', '!==': '===', '<': '<=', '<=': '<', '>': '>=', '>=': '>' },
  ...{ '+': '-', '-': '+', '*': '/', '/': '*', '%': '*', '&': '|', '|': '&', '^': '|' },
  ...{ '<<': '>>', '>>': '<<', '>>>': '<<', '&&': '||', '||': '&&', '??': '&&' },
}

const otherMethod: Readonly<Record<string, string>> = {
  ...{ every: 'some', some: 'every', min: 'max', max: 'min', floor: 'ceil', ceil: 'floor' },
}

/** Calls that can be left out of a chain. */
const dropped: ReadonlySet<string> = new Set(['filter', 'finally', 'slice', 'subarray'])

function isSyntax(value: unknown): value is Syntax {
  return typeof value === 'object' && value !== null && 'type' in value && 'range' in value
}

function children(node: Syntax): readonly Syntax[] {
  return Object.values(node).flat().filter(isSyntax)
}

function textOf({ source }: Found, node: Syntax): string {
  return source.slice(...node.range)
}

/** True for a whole condition: constants replace it, so no other operator is needed. */
function isTest({ node, around: [parent] }: Found): boolean {
  return parent !== undefined && isChoice(parent) && parent['test'] === node
}

function isChoice({ type }: Syntax): boolean {
  return type === 'IfStatement' || type === 'ConditionalExpression'
}

/** Texts of errors are for people, and tests compare their codes. */
function isInError({ around }: Found): boolean {
  return around.some((outer) => outer.type === 'NewExpression' && isErrorName(outer['callee']))
}

function isErrorName(callee: unknown): boolean {
  return isSyntax(callee) && String(callee['name']).endsWith('Error')
}

const constants: Rule = ({ node }) => ['true', 'false'].map((after) => ({ range: node.range, after }))

/** Every condition becomes true, and false. A loop only ends early, because it would not end otherwise. */
const conditions: Rule = (found) => {
  const { node } = found
  const test = node['test']
  if (!isSyntax(test)) return []
  if (node.type === 'WhileStatement') return [{ range: test.range, after: 'false' }]
  return isChoice(node) ? constants({ ...found, node: test }) : []
}

const operators: Rule = (found) => {
  const { node } = found
  const { left, right } = node
  const operator = String(node['operator'])
  const after = otherOperator[operator]
  const isBinary = node.type === 'BinaryExpression' || node.type === 'LogicalExpression'
  if (!isBinary || after === undefined || !isSyntax(left) || !isSyntax(right)) return []
  if (isTest(found) && /^[!=]==$/.test(operator)) return []
  const from = found.source.indexOf(operator, left.range[1])
  return [{ range: [from, from + operator.length], after }]
}

const negations: Rule = (found) => {
  const { argument, operator, type } = found.node
  if (type !== 'UnaryExpression' || operator !== '!' || !isSyntax(argument) || isTest(found)) return []
  return [{ range: found.node.range, after: textOf(found, argument) }]
}

/** A statement is left out if the program goes on without it. */
const statements: Rule = ({ node, around }) => {
  const isEffect = node.type === 'ExpressionStatement' && node['directive'] === undefined
  const isThrow = node.type === 'ThrowStatement' && around[0]?.type !== 'IfStatement'
  return isEffect || isThrow ? [{ range: node.range, after: ';' }] : []
}

const isFunction = (node: Syntax): boolean => /Function/.test(node.type)

function isPredicate(fn: Syntax | undefined, found: Found): boolean {
  const type = fn?.['returnType']
  return isSyntax(type) && /^: (Promise<boolean>|boolean)$/.test(textOf(found, type))
}

/** A function that returns a boolean returns always the same. */
const returns: Rule = (found) => {
  const { node, around } = found
  const value = node['argument']
  const isBare = !isSyntax(value) || value.type === 'Literal'
  if (node.type !== 'ReturnStatement' || isBare) return []
  return isPredicate(around.find(isFunction), found) ? constants({ ...found, node: value }) : []
}

const literals: Rule = (found) => {
  const { node, around } = found
  const range = node.range
  const { value } = node
  const [parent] = around
  const isName = parent?.['key'] === node || parent?.type === 'ImportDeclaration'
  if (node.type !== 'Literal' || isName) return []
  if (isSyntax(node['regex']) || 'regex' in node) return anchors(found)
  if (typeof value === 'boolean') return [{ range, after: String(!value) }]
  if (typeof value === 'number') return [{ range, after: String(value + 1) }]
  if (typeof value === 'bigint') return [{ range, after: `${value + 1n}n` }]
  const isProse = typeof value !== 'string' || value.includes(' ')
  const isTypeName = isSyntax(parent?.['left']) && parent['left']['operator'] === 'typeof'
  // The types hold the codes of errors.
  return isProse || isTypeName || isInError(found)
    ? []
    : [{ range, after: `'${value.replace(/[\\'\n\0]/g, '')}~'` }]
}

/** A pattern without its anchor also takes text with more before or after it. */
const anchors: Rule = ({ node: { range, raw } }) => {
  const text = String(raw)
  const open = text.startsWith('/^') ? [`/${text.slice(2)}`] : []
  const end = /\$(?=\/\w*$)/.test(text) ? [text.replace(/\$(?=\/\w*$)/, '')] : []
  return [...open, ...end].map((after) => ({ range, after }))
}

/** One part of a text is left out. */
const templates: Rule = (found) => {
  const { node } = found
  if (node.type !== 'TemplateLiteral' || isInError(found)) return []
  const parts = node['expressions'] as readonly Syntax[]
  return parts.map(({ range: [from, to] }) => ({ range: [from, to], after: "''" }))
}

const calls: Rule = (found) => {
  const { node } = found
  const callee = node['callee']
  if (node.type !== 'CallExpression' || !isSyntax(callee)) return []
  const { object, property } = callee
  if (!isSyntax(object) || !isSyntax(property)) return []
  const after = otherMethod[textOf(found, property)]
  if (after !== undefined) return [{ range: property.range, after }]
  return dropped.has(textOf(found, property)) ? [{ range: node.range, after: textOf(found, object) }] : []
}

/** A call gets its options without one of them. */
const options: Rule = ({ node, around: [parent] }) => {
  const isCall = parent?.type === 'CallExpression' || parent?.type === 'NewExpression'
  if (node.type !== 'ObjectExpression' || !isCall) return []
  const properties = node['properties'] as readonly Syntax[]
  return properties.map(({ range }) => ({ range, after: '...{}' }))
}

const rules: readonly Rule[] = [
  ...[conditions, operators, negations, statements, returns],
  ...[literals, templates, calls, options],
]

function nameOf(node: Syntax, [parent]: readonly Syntax[]): string | null {
  if (!isFunction(node)) return null
  const named = [node['id'], parent?.['id'], parent?.['key']].find(isSyntax)
  return named === undefined ? null : String(named['name'])
}

/** Types are no program. */
function isType({ type }: Syntax): boolean {
  const isWrapper = type === 'TSAsExpression' || type === 'TSNonNullExpression'
  return type === 'ImportDeclaration' || (type.startsWith('TS') && !isWrapper)
}

function* walk(found: Found, place: string, file: string): Generator<Mutant> {
  const { node, around, source } = found
  if (isType(node)) return
  const here = nameOf(node, around) ?? place
  for (const { range, after } of rules.flatMap((rule) => rule(found))) {
    const [from, to] = range
    const text = source.slice(0, from) + after + source.slice(to)
    const line = source.slice(0, from).split('\n').length
    yield { file, line, place: here, source, text, ...shown(found, range, after) }
  }
  for (const child of children(node))
    yield* walk({ node: child, around: [node, ...around], source }, here, file)
}

const onOneLine = (text: string): string => text.replace(/\s+/g, ' ')

/** The whole expression, because a bare operator tells little. */
function shown({ node, source }: Found, [from, to]: Change['range'], after: string) {
  const isInside = node.type === 'BinaryExpression' || node.type === 'LogicalExpression'
  const [start, end] = isInside ? node.range : ([from, to] as const)
  const changed = source.slice(start, from) + after + source.slice(to, end)
  return { before: onOneLine(source.slice(start, end)), after: onOneLine(changed) }
}

/** All mutants of a file, in the order of its text. */
export function mutantsOf(file: string, source: string): readonly Mutant[] {
  const tree: unknown = parsers.typescript.parse(source, { filepath: file } as never)
  if (!isSyntax(tree)) throw new TypeError(`${file} has no syntax tree`)
  return [...walk({ node: tree, around: [], source }, '', file)]
}

/** Names a mutant in a way that outlives moves of code: by place and change. Mutants that are alike share a name. */
export function nameOfMutant({ file, place, before, after }: Mutant): string {
  return `${file} ${place}: ${before} → ${after}`
}
