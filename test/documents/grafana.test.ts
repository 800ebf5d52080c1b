import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { before, test } from 'node:test'
import { parse } from 'yaml'
import { read, serve } from '../adapters/test-server.ts'
import { newShop } from '../support/fixtures.ts'
import { blocksOf, textOf } from './markdown.ts'

/** The part of a panel that this test reads. */
interface Panel {
  readonly title: string
  readonly type: string
  readonly targets: readonly { readonly expr: string; readonly legendFormat?: string }[]
}

const page = 'docs/operations.md'
const dashboard = JSON.parse(readFileSync('examples/grafana-dashboard.json', 'utf8')) as {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly query: { readonly query: string } }[] }
}

/** The series of a scrape: each name with the names of its labels. Prometheus adds `instance`. */
const scraped = new Map<string, ReadonlySet<string>>()

before(async () => {
  const { fetch } = await serve(await newShop(), { metrics: true })
  const get = async (path: string): Promise<string> =>
    (await read(await fetch(new Request(`http://localhost${path}`)))).text
  await get('/api/v1/apps/desktop-app/public-key')
  for (const [, name = '', labels = ''] of (await get('/metrics')).matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const names = [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label)
    scraped.set(name, new Set([...names, 'instance']))
  }
})

/** Finds the series of an expression that no scrape has, and the labels that its series lack. */
function unknownIn(expr: string): readonly string[] {
  const series = [...expr.matchAll(/\b((?:heartwood|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)]
  if (series.length === 0) return [`no series in ${expr}`]
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names = '']) => names.split(/, ?/))
  return series.flatMap(([, name = '', filter = '']) => {
    const labels = scraped.get(name)
    if (labels === undefined) return [name]
    const asked = [...[...filter.matchAll(/(\w+)[=!]/g)].map(([, label = '']) => label), ...grouped]
    return asked.filter((label) => !labels.has(label)).map((label) => `${name}{${label}}`)
  })
}

test('examples/grafana-dashboard.json: asks for series and labels that a server has', () => {
  const exprs = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
  const queries = dashboard.templating.list.map(({ query }) => query.query)
  assert.equal(dashboard.panels.length, 8)
  assert.deepEqual([...exprs, ...queries].flatMap(unknownIn), [])
  assert.deepEqual(unknownIn('sum by (kind) (heartwood_storage_up{host="a"})'), [
    'heartwood_storage_up{host}',
    'heartwood_storage_up{kind}',
  ])
  assert.deepEqual(unknownIn('rate(heartwood_no_such_total[5m])'), ['heartwood_no_such_total'])
})

test('docs/operations.md: shows a panel of the dashboard', () => {
  const shown = blocksOf(page).find(({ heading, language }) => /Grafana/.test(heading) && language === 'json')
  const panel = JSON.parse(shown!.code) as Panel
  const same = dashboard.panels.find(({ title }) => title === panel.title)!
  const exprs = same.targets.map(({ expr }) => ({ expr: expr.replace('{instance=~"$instance"}', '') }))
  assert.deepEqual([panel.type, panel.targets], [same.type, exprs])
})

test('docs/operations.md: the expressions for alerts ask for series and labels that a server has', () => {
  const [, part = ''] = textOf(page).split('\n## Draw the metrics in Grafana\n')
  const exprs = [...part.split('\n## ')[0]!.matchAll(/^\| `([^`]+)`/gm)].map(([, expr = '']) => expr)
  assert.ok(exprs.length > 3)
  assert.deepEqual(exprs.flatMap(unknownIn), [])
})

test('docs/operations.md: the job of Prometheus is YAML, and names the port of the metrics', () => {
  const shown = blocksOf(page).find(({ language }) => language === 'yaml')
  const { scrape_configs: jobs } = parse(shown!.code) as {
    readonly scrape_configs: readonly {
      readonly static_configs: readonly { readonly targets: readonly string[] }[]
    }[]
  }
  const port = /HEARTWOOD_METRICS_PORT=(\d+)/.exec(textOf(page))?.[1]
  assert.deepEqual(
    jobs.flatMap(({ static_configs: hosts }) => hosts.flatMap(({ targets }) => targets)),
    [`127.0.0.1:${port}`],
  )
})
