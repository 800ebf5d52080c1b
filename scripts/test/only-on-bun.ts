/** The files and folders that only Bun runs, with the reason. All others run on the three runtimes. */
export const onlyOnBun: Readonly<Record<string, string>> = {
  'test/package/': 'looks at the package, and starts what it tests on each runtime itself',
  'test/cli/': 'starts the command line on each runtime itself',
  'test/verifiers/': 'runs other languages',
  'test/bench/benchmark.test.ts': 'only counts',
  'test/bench/measure.test.ts': 'only counts',
  'test/bench/table.test.ts': 'only counts',
  'test/documents/cli-page.test.ts': 'compares texts',
  'test/documents/grafana.test.ts': 'compares texts; test/adapters/metrics reads the metrics on each runtime',
  'test/documents/links.test.ts': 'compares texts',
  'test/documents/llms.test.ts': 'compares texts',
  'test/documents/questions.test.ts': 'compares texts',
  'test/documents/security-page.test.ts': 'compares texts',
  'test/documents/troubleshooting.test.ts': 'compares texts',
  'test/documents/http-api.test.ts':
    'holds the page to its text; the commands of both product documents run on each runtime',
  'test/adapters/body-fields.test.ts': 'a table of rules in plain TypeScript, without a port',
  'test/adapters/naughty-values.test.ts':
    'asks for the rules of each field; test/adapters/naughty-strings runs on each runtime',
  'test/adapters/rate-limit-crowd.test.ts': 'counts in plain TypeScript, without a port',
  'test/adapters/key-climbing.test.ts': 'a table of rights in plain TypeScript, without a port',
  'test/adapters/route-access.test.ts': 'a table of rights in plain TypeScript, without a port',
  'test/adapters/route-scopes.test.ts': 'a table of rights in plain TypeScript, without a port',
  'test/storage/postgres-plans.test.ts':
    'varies the plans of PostgreSQL; test/storage/postgres has the contract on each runtime',
  'test/client/earlier-client.test.ts':
    'varies the version; test/client/lifecycle has the table on each runtime',
  'test/client/earlier-server.test.ts':
    'varies the version; test/client/lifecycle has the table on each runtime',
  'test/client/silent-store-table.test.ts':
    'varies the store; test/client/lifecycle and silent-store run on each runtime',
}

/** True if a path of the list is the file, or a folder with the file. */
export function isIn(list: Readonly<Record<string, string>>, file: string): boolean {
  return Object.keys(list).some((path) => file.startsWith(path))
}

/** True if each of the three runtimes runs this test file. */
export function isOnEachRuntime(file: string): boolean {
  return !isIn(onlyOnBun, file)
}
