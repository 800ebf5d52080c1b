import { Type } from '@sinclair/typebox'
import { customerChanges, customerQuery, newCustomer } from '../../core/customers.ts'
import { LicensingError } from '../../core/errors.ts'
import { text } from '../../core/input/fields.ts'
import { input, type Input } from '../../core/input/parse.ts'
import { customerExample, pageExample } from '../openapi/examples.ts'
import { created, many, noContent, one } from '../http/reply.ts'
import { checked, route, type Route } from '../http/route.ts'
import { customerSchema, dataOf, pageOf } from '../openapi/schemas.ts'

const tag = 'Customers'
const bodyExample = { email: 'ada@example.com', name: 'Ada', external_id: 'user-42' }
const customerResponse = {
  description: 'The customer',
  schema: dataOf(customerSchema),
  example: { data: customerExample },
}

interface ByEmail {
  readonly email: string
}

interface ByExternalId {
  readonly externalId: string
}

const byEmail: Input<ByEmail> = input<ByEmail>()(
  Type.Object({
    email: Type.String({
      description: 'The whole e-mail address, in any case',
      minLength: 1,
      maxLength: 254,
      // No address has a blank, but a plus sign becomes one when the URL is decoded.
      pattern: '^[^ ]*$',
      rule: 'must be 1 to 254 characters without a blank; in a URL, write a plus sign as %2B',
    }),
  }),
)
const byExternalId: Input<ByExternalId> = input<ByExternalId>()(
  Type.Object({ externalId: text('The exact external id', 1, 255) }),
)

/** An external id may have blanks. One that is not found perhaps had plus signs before the URL was decoded. */
export function explainMissing(externalId: string): (error: unknown) => never {
  return (error) => {
    const isMissing = error instanceof LicensingError && error.code === 'not_found'
    if (!isMissing || !externalId.includes(' ')) throw error
    throw new LicensingError('not_found', `${error.message}: in a URL, write a plus sign as %2B`)
  }
}

const readRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/apps/:slug/customers',
    access: 'customers:read',
    tag,
    operationId: 'listCustomers',
    summary: 'List customers',
    description: 'Newest first. The filter email has no wildcards: % and _ are ordinary characters.',
    query: customerQuery,
    responses: {
      200: {
        description: 'A page of customers',
        schema: pageOf(customerSchema),
        example: pageExample(customerExample),
      },
    },
    run: ({ licensing, app, query }) => licensing.customers.list(app, query),
    respond: many,
  }),
  route({
    method: 'GET',
    path: '/apps/:slug/customers/by-email',
    access: 'customers:read',
    tag,
    operationId: 'getCustomerByEmail',
    summary: 'Get a customer by e-mail',
    description: 'Compares the whole address, in any case.',
    query: checked(byEmail),
    responses: { 200: customerResponse },
    run: ({ licensing, app, query }) => licensing.customers.getByEmail(app, query.email),
    respond: one,
  }),
  route({
    method: 'GET',
    path: '/apps/:slug/customers/by-external-id',
    access: 'customers:read',
    tag,
    operationId: 'getCustomerByExternalId',
    summary: 'Get a customer by external id',
    description: 'The external id is the customer’s name in your own system.',
    query: checked(byExternalId),
    responses: { 200: customerResponse },
    run: ({ licensing, app, query: { externalId } }) =>
      licensing.customers.getByExternalId(app, externalId).catch(explainMissing(externalId)),
    respond: one,
  }),
  route({
    method: 'GET',
    path: '/apps/:slug/customers/:id',
    access: 'customers:read',
    tag,
    operationId: 'getCustomer',
    summary: 'Get a customer',
    description: 'One customer by id.',
    responses: { 200: customerResponse },
    run: ({ licensing, app, params }) => licensing.customers.get(app, params.id ?? ''),
    respond: one,
  }),
]

const writeRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/apps/:slug/customers',
    access: 'customers:write',
    tag,
    operationId: 'createCustomer',
    summary: 'Create a customer',
    description: 'The e-mail, in any case, and the external id are unique in the app.',
    body: newCustomer,
    bodyExample,
    responses: { 201: customerResponse },
    errors: ['conflict'],
    run: ({ licensing, app, body }) => licensing.customers.create(app, body),
    respond: created,
  }),
  route({
    method: 'POST',
    path: '/apps/:slug/customers/get-or-create',
    access: 'customers:write',
    tag,
    operationId: 'getOrCreateCustomer',
    summary: 'Get a customer by e-mail, or create it',
    description:
      'An existing customer is returned unchanged. If several calls come at the same time, one of them creates the customer.',
    body: newCustomer,
    bodyExample,
    responses: {
      200: { ...customerResponse, description: 'The existing customer' },
      201: customerResponse,
    },
    errors: ['conflict'],
    run: ({ licensing, app, body }) => licensing.customers.getOrCreate(app, body),
    respond: ({ customer, created: isNew }) => (isNew ? created(customer) : one(customer)),
  }),
  route({
    method: 'PUT',
    path: '/apps/:slug/customers/:id',
    access: 'customers:write',
    tag,
    operationId: 'updateCustomer',
    summary: 'Change a customer',
    description: 'An absent field is unchanged, null clears it, and metadata is replaced as a whole.',
    body: customerChanges,
    bodyExample: { name: 'Ada L.' },
    responses: { 200: customerResponse },
    errors: ['conflict'],
    run: ({ licensing, app, params, body }) => licensing.customers.update(app, params.id ?? '', body),
    respond: one,
  }),
  route({
    method: 'DELETE',
    path: '/apps/:slug/customers/:id',
    access: 'customers:delete',
    tag,
    operationId: 'deleteCustomer',
    summary: 'Delete a customer',
    description: 'Also deletes the licenses of the customer.',
    responses: { 204: { description: 'Deleted' } },
    run: ({ licensing, app, params }) => licensing.customers.delete(app, params.id ?? ''),
    respond: noContent,
  }),
]

export const customerRoutes: readonly Route[] = [...readRoutes, ...writeRoutes]
