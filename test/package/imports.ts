import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path/posix'
// TypeScript 7 offers programs no parser, but Prettier does.
import { parsers } from 'prettier/plugins/babel'

/** One import, re-export or `import()` of a source file. */
export interface Import {
  /** The importing file, from the repository's root. */
  readonly file: string
  /** The imported file, from the repository's root. For a package, the text of the import. */
  readonly target: string
  /** True for a file, false for a package. */
  readonly relative: boolean
  /** `type` if TypeScript erases it, `dynamic` for `import()`. */
  readonly kind: 'static' | 'type' | 'dynamic'
  /** The imported names, or `*` for all of them. */
  readonly names: readonly string[]
}

/** A node of the syntax tree. Its fields have no types. */
interface Node {
  readonly type: string
  readonly [field: string]: unknown
}

/** Every TypeScript file below a folder, from the repository's root, sorted. A missing folder has no files. */
export function sourceFiles(folder: string): readonly string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.includes('node_modules'))
    .map((path) => join(folder, path.replaceAll('\\', '/')))
    .toSorted()
}

/** Every import of a source file: static imports, re-exports, dynamic imports, and imports in types. */
export function importsOf(file: string, source: string = readFileSync(file, 'utf8')): readonly Import[] {
  return nodes(source).flatMap((node) => {
    const specifier = specifierOf(node)
    if (specifier === undefined) return []
    const relative = specifier.startsWith('.')
    const target = relative ? join(dirname(file), specifier) : specifier
    return [{ file, target, relative, kind: kindOf(node), names: namesOf(node) }]
  })
}

/** Every name in a source file, including property names. */
export function identifiersOf(source: string): ReadonlySet<string> {
  return new Set(nodes(source).flatMap((node) => (node.type === 'Identifier' ? [String(node['name'])] : [])))
}

/** The package of an import: `@noble/ciphers` for `@noble/ciphers/aes.js`. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function nodes(source: string): readonly Node[] {
  const found: Node[] = []
  const pending: unknown[] = [parsers['babel-ts'].parse(source, {} as never)]
  for (let value = pending.pop(); value !== undefined || pending.length > 0; value = pending.pop()) {
    if (typeof value !== 'object' || value === null) continue
    if ('type' in value && typeof value.type === 'string') found.unshift(value as Node)
    pending.push(...Object.values(value))
  }
  return found
}

function specifierOf(node: Node): string | undefined {
  const imports = /^(Import|ExportNamed|ExportAll)Declaration$|^ImportExpression$|^TSImportType$/
  if (!imports.test(node.type) || !isNode(node['source'])) return undefined
  const { value } = node['source']
  return typeof value === 'string' ? value : '(a computed name)'
}

function kindOf(node: Node): Import['kind'] {
  if (node.type === 'ImportExpression') return 'dynamic'
  const kinds = [node['importKind'], node['exportKind']]
  return node.type === 'TSImportType' || kinds.includes('type') ? 'type' : 'static'
}

function namesOf(node: Node): readonly string[] {
  const specifiers = Array.isArray(node['specifiers']) ? node['specifiers'].filter(isNode) : []
  if (node.type !== 'ImportDeclaration' && node.type !== 'ExportNamedDeclaration') return ['*']
  return specifiers.map((specifier) => {
    if (specifier.type === 'ImportDefaultSpecifier') return 'default'
    const name = specifier['imported'] ?? specifier['local']
    return specifier.type === 'ImportNamespaceSpecifier' || !isNode(name) ? '*' : String(name['name'])
  })
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value
}
