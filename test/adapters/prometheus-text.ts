import assert from 'node:assert/strict'

/** The samples of `/metrics`. */
export interface PrometheusText {
  readonly text: string
  /** The value of a series such as `name{a="b"}`; `undefined` if it is missing. */
  value(series: string): number | undefined
  /** The series of a name with their values. */
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

/** Checks that buckets rise, that the last is `+Inf`, and that its value is the count. */
function checkHistogram(family: string, samples: ReadonlyMap<string, number>): void {
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

/** Parses the text format, version 0.0.4. It fails at a line that breaks a rule of the format. */
export function parsePrometheusText(text: string): PrometheusText {
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
        assert.equal(family, current, 'the lines of one name follow each other')
      const series = labels === undefined ? sampled : `${sampled}{${labels}}`
      assert.ok(!samples.has(series), `twice: ${series}`)
      samples.set(series, toNumber(value))
    }
  }
  for (const [family, type] of types) if (type === 'histogram') checkHistogram(family, samples)
  return {
    text,
    value: (series) => samples.get(series),
    family: (wanted) =>
      Object.fromEntries([...samples].filter(([series]) => series.split('{', 1)[0] === wanted)),
  }
}
