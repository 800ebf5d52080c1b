import { lazyAssets, requireAsset, unpack } from '../assets/asset.ts'

/** An OpenAPI document, with the one part that depends on the server. */
interface OpenApiDocument {
  readonly servers: readonly object[]
}

const files = lazyAssets(() => import('../generated/openapi.ts'))

/** The relative server stays in the list for pages of Swagger UI that were opened under another address. */
function serversAt(publicUrl: string, others: readonly object[]): readonly object[] {
  const description = 'This server at its public address, in production or in tests'
  return [{ url: publicUrl, description, 'x-internal': false }, ...others]
}

/** The text of the document, with the public address of this server first if it has one. */
export async function openApiText(publicUrl: string | null): Promise<string> {
  const text = new TextDecoder().decode(await unpack(requireAsset(await files(), 'openapi.json')))
  if (publicUrl === null) return text
  const document = JSON.parse(text) as OpenApiDocument
  return JSON.stringify({ ...document, servers: serversAt(publicUrl, document.servers) })
}
