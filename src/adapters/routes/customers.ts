import { Type } from '@sinclair/typebox'
import { customerChanges, customerQuery, newCustomer } from '../../core/customers.ts'
import { text } from '../../core/input/fields.ts'
import { input, type Input } from '../../core/input/parse.ts'
import { customerExample, pageExample } from '../openapi/examples.ts'
import { created, many, noContent, one, route, type Route } from '../http/route.ts'
import { customerSchema, dataOf, pageOf } from '../openapi/schemas.ts'

const tag = 'Customers'
const bodyExample = { email: 'ada@example.com', name: 'Ada', external_id: 'user-42' }
const answers = {
  description: 'The customer',
  schema: dataOf(customerSchema),
  example: { data: customerExample },
}

const byEmail: Input<{ email: string }> = input<{ email: string }>()(
  Type.Object({ email: text('The whole e-mail address, without regard to case', 1, 254) }),
)
const byExternalId: Input<{ externalId: string }> = input<{ externalId: string }>()(
  Type.Object({ externalId: text('The external id, exactly', 1, 255) }),
)

const finding: readonly Route[] = [
  route({
    method: 'GET',
    path: '/apps/:slug/customers',
    access: 'read',
    tag,
    operationId: 'listCustomers',
    summary: 'List customers',
    description: 'Newest first. In email every character stands for itself.',
    query: customerQuery,
    answers: {
      200: {
        description: 'A page of customers',
        schema: pageOf(customerSchema),
        example: pageExample(customerExample),
      },
    },
    run: ({ licensing, app, query }) => licensing.customers.list(app, query),
    answer: many,
  }),
  route({
    method: 'GET',
    path: '/apps/:slug/customers/by-email',
    access: 'read',
    tag,
    operationId: 'getCustomerByEmail',
    summary: 'Get a customer by e-mail',
    description: 'The e-mail as a whole, without regard to case.',
    query: byEmail,
    answers: { 200: answers },
    run: ({ licensing, app, query }) => licensing.customers.getByEmail(app, byEmail.parse(query).email),
    answer: one,
  }),
  route({
    method: 'GET',
    path: '/apps/:slug/customers/by-external-id',
    access: 'read',
    tag,
    operationId: 'getCustomerByExternalId',
    summary: 'Get a customer by external id',
    description: 'What the vendor’s own system calls them.',
    query: byExternalId,
    answers: { 200: answers },
    run: ({ licensing, app, query }) =>
      licensing.customers.getByExternalId(app, byExternalId.parse(query).externalId),
    answer: one,
  }),
  route({
    method: 'GET',
    path: '/apps/:slug/customers/:id',
    access: 'read',
    tag,
    operationId: 'getCustomer',
    summary: 'Get a customer',
    description: 'One customer by id.',
    answers: { 200: answers },
    run: ({ licensing, app, params }) => licensing.customers.get(app, params.id ?? ''),
    answer: one,
  }),
]

const writing: readonly Route[] = [
  route({
    method: 'POST',
    path: '/apps/:slug/customers',
    access: 'write',
    tag,
    operationId: 'createCustomer',
    summary: 'Create a customer',
    description: 'E-mail, without regard to case, and external id are unique in the app.',
    body: newCustomer,
    bodyExample,
    answers: { 201: answers },
    errors: ['conflict'],
    run: ({ licensing, app, body }) => licensing.customers.create(app, body),
    answer: created,
  }),
  route({
    method: 'POST',
    path: '/apps/:slug/customers/get-or-create',
    access: 'write',
    tag,
    operationId: 'getOrCreateCustomer',
    summary: 'Get a customer by e-mail, or create it',
    description: 'An existing one is answered unchanged. Of any number of calls at once one creates.',
    body: newCustomer,
    bodyExample,
    answers: { 200: { ...answers, description: 'The existing customer' }, 201: answers },
    errors: ['conflict'],
    run: ({ licensing, app, body }) => licensing.customers.getOrCreate(app, body),
    answer: ({ customer, created: isNew }) => (isNew ? created(customer) : one(customer)),
  }),
  route({
    method: 'PUT',
    path: '/apps/:slug/customers/:id',
    access: 'write',
    tag,
    operationId: 'updateCustomer',
    summary: 'Change a customer',
    description: 'Absent is unchanged, null clears, metadata is replaced whole.',
    body: customerChanges,
    bodyExample: { name: 'Ada L.' },
    answers: { 200: answers },
    errors: ['conflict'],
    run: ({ licensing, app, params, body }) => licensing.customers.update(app, params.id ?? '', body),
    answer: one,
  }),
  route({
    method: 'DELETE',
    path: '/apps/:slug/customers/:id',
    access: 'write',
    tag,
    operationId: 'deleteCustomer',
    summary: 'Delete a customer',
    description: 'Deletes its licenses too.',
    answers: { 204: { description: 'Deleted' } },
    run: ({ licensing, app, params }) => licensing.customers.delete(app, params.id ?? ''),
    answer: noContent,
  }),
]

export const customerRoutes: readonly Route[] = [...finding, ...writing]
