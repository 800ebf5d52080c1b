import { searchQuery } from '../../core/search.ts'
import { json } from '../http/reply.ts'
import { checked, route, type Route } from '../http/route.ts'
import { toWire } from '../http/wire.ts'
import { searchResultsSchema } from '../openapi/schemas.ts'
import { searchExample } from '../openapi/examples.ts'

export const searchRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/search',
    access: 'search',
    tag: 'Search',
    operationId: 'search',
    summary: 'Search all apps',
    description:
      'Finds ids, installations, external ids, slugs and, with a secret key, jtis exactly, and customers by the beginning of their e-mail or name. It shows at most 20 records, of the apps that the key sees and the nouns that it may read. A token, license key or API key is refused: diagnose reads those. In a URL, write a plus sign as %2B.',
    query: checked(searchQuery),
    responses: {
      200: { description: 'The records', schema: searchResultsSchema, example: { data: [searchExample] } },
    },
    run: ({ licensing, query }) => licensing.search(query.q),
    respond: (found) => json({ data: found.map(toWire) }),
  }),
]
