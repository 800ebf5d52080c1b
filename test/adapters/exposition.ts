import assert from 'node:assert/strict'

/** What `/metrics` says: each series by name and labels, as written, and the label sets of each name. */
export interface Exposition {
  readonly text: string
  /** The value of a series such as `name{a="b"}`; `undefined` where there is none. */
  value(series: string): number | undefined
  /** The series of a name with their values, labels as written. */
  family(name: string): Readonly<Record<string, number>>
}

const name = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const label = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"'
const number = '[+-]?(?:\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?|Inf)|NaN'
const sampleForm = new RegExp(`^(${name})(?:\\{(${label}(?:,${label})*)\\})? (${number})$`, 'i')
const helpForm = new RegExp(`^# HELP (${name}) \\S.*$`)
const typeForm = new RegExp(`^# TYPE (${name}) (counter|gauge|histogram|summary)$`)
const ofHistogram = /^(.+)_(bucket|sum|count)$/
const le = /(?:^|,)le="([^"]+)"/

const toNumber = (text: string): number => Number(text.replace('Inf', 'Infinity'))

/** Buckets rise, end with `+Inf`, and the last is the count. */
function holdHistogram(family: string, samples: ReadonlyMap<string, number>): void {
  const last = new Map<string, readonly [bound: number, count: number]>()
  for (const [series, count] of samples) {
    const [, labels = ''] = /^[^{]+_bucket\{(.*)\}$/.exec(series) ?? []
    if (!series.startsWith(`${family}_bucket{`)) continue
    const bound = toNumber(le.exec(labels)?.[1] ?? '')
    const rest = labels.replace(le, '').replace(/^,/, '')
    const [lowerBound, lowerCount] = last.get(rest) ?? [-Infinity, 0]
    assert.ok(bound > lowerBound && count >= lowerCount, series)
    last.set(rest, [bound, count])
  }
  for (const [rest, [bound, count]] of last) {
    assert.equal(bound, Infinity)
    assert.equal(samples.get(rest === '' ? `${family}_count` : `${family}_count{${rest}}`), count)
  }
}

/** Reads the text format, version 0.0.4, and fails at whatever breaks a rule of it. */
export function readExposition(text: string): Exposition {
  assert.ok(text.endsWith('\n') && !text.includes('\r'))
  const types = new Map<string, string>()
  const helped = new Set<string>()
  const samples = new Map<string, number>()
  let current = ''
  for (const line of text.split('\n').filter(Boolean)) {
    const [, help] = helpForm.exec(line) ?? []
    const [, typed, type = ''] = typeForm.exec(line) ?? []
    if (help !== undefined) {
      assert.ok(!helped.has(help), line)
      helped.add(help)
    } else if (typed !== undefined) {
      assert.ok(!types.has(typed) && helped.has(typed), line)
      types.set(typed, type)
      current = typed
    } else {
      const [, sampled = '', labels, value = ''] = sampleForm.exec(line) ?? assert.fail(line)
      const family = types.get(current) === 'histogram' ? ofHistogram.exec(sampled)?.[1] : sampled
      if (types.get(current) !== 'summary')
        assert.equal(family, current, 'the lines of a name stand together')
      const series = labels === undefined ? sampled : `${sampled}{${labels}}`
      assert.ok(!samples.has(series), `twice: ${series}`)
      samples.set(series, toNumber(value))
    }
  }
  for (const [family, type] of types) if (type === 'histogram') holdHistogram(family, samples)
  return {
    text,
    value: (series) => samples.get(series),
    family: (wanted) =>
      Object.fromEntries([...samples].filter(([series]) => series.split('{', 1)[0] === wanted)),
  }
}
