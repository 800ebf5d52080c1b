/** The header that names the program. The server ignores any other name too, and a header would not take it. */
export function clientName(client: string = ''): Readonly<Record<string, string>> {
  return /^[ -~]{1,64}$/.test(client) ? { 'heartwood-client': client } : {}
}
