import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { listMutants, staleExplanations } from '../../scripts/mutants.ts'
import { mutantsOf } from '../../scripts/mutants/rules.ts'
import { subjects } from '../../scripts/mutants/subjects.ts'

const source = `
import { a } from 'b'
export type Text = 'c' | 'd'
export function decide(text: Text, limit: number): boolean {
  if (text === 'c') throw new TypeError('text')
  note(\`\${limit} of \${text}\`, { quiet: true })
  return limit >= 9 && !/^x$/.test(text)
}`

/** Each change, in the order of the text. */
const changes = [
  ...["text === 'c' → true", "text === 'c' → false", "'c' → 'c~'"],
  ...['note(`${limit} of ${text}`, { quiet: true }) → ;', "limit → ''", "text → ''", 'quiet: true → ...{}'],
  ...['true → false', 'limit >= 9 && !/^x$/.test(text) → true', 'limit >= 9 && !/^x$/.test(text) → false'],
  'limit >= 9 && !/^x$/.test(text) → limit >= 9 || !/^x$/.test(text)',
  ...['limit >= 9 → limit > 9', '9 → 10', '!/^x$/.test(text) → /^x$/.test(text)'],
  ...['/^x$/ → /x$/', '/^x$/ → /^x/'],
]

test('mutantsOf(): changes conditions, operators, statements, literals, texts and options, but no types', () => {
  const mutants = mutantsOf('a.ts', source)
  assert.deepEqual(mutants.map(({ before, after }) => `${before} → ${after}`).toSorted(), changes.toSorted())
  assert.deepEqual(new Set(mutants.map(({ place }) => place)), new Set(['decide']))
  const [first] = mutants
  assert.equal(first?.text, source.replace("text === 'c'", 'true'))
  assert.equal(first.line, 5)
})

test('npm run mutants: has at least 150 mutants, and each has its own name', () => {
  const names = listMutants().map(({ name }) => name)
  assert.ok(names.length >= 150)
  assert.equal(new Set(names).size, names.length)
})

test('npm run mutants: every explanation is of a mutant that exists', () => {
  assert.deepEqual(staleExplanations(listMutants()), [])
})

test('npm run mutants: every test that it runs exists', () => {
  assert.deepEqual(
    Object.values(subjects)
      .flat()
      .filter((test) => !existsSync(test.split(' ')[0]!)),
    [],
  )
})
