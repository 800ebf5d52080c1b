import type { ServerCommands } from './test-program.ts'

/**
 * A fake server in another process. It takes commands by HTTP at `/command` of `origin`. Requests of the client go to the API
 * itself, by the platform's own `fetch`.
 */
export function remoteServer(origin: string): ServerCommands {
  return {
    command: async (name, ...args) => {
      const body = JSON.stringify({ name, args })
      const response = await fetch(`${origin}/command`, { method: 'POST', body })
      return ((await response.json()) as { readonly result: unknown }).result
    },
    fetch: (url, init) => fetch(url, init),
  }
}
