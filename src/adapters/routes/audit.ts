import { auditQuery } from '../../core/audit/log.ts'
import { auditEntryExample, pageExample } from '../openapi/examples.ts'
import { many } from '../http/reply.ts'
import { route, type Route } from '../http/route.ts'
import { auditEntrySchema, pageOf } from '../openapi/schemas.ts'

const tag = 'Audit log'
const responses = {
  200: {
    description: 'A page of entries',
    schema: pageOf(auditEntrySchema),
    example: pageExample(auditEntryExample),
  },
}

export const auditRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/apps/:slug/audit',
    access: 'audit:read',
    tag,
    operationId: 'listAuditEntries',
    summary: 'List the audit log of an app',
    description:
      'Every act on the app and on what it holds, newest first. An entry outlives what it tells of.',
    query: auditQuery,
    responses,
    run: ({ licensing, app, query }) => licensing.audit.list(app, query),
    respond: many,
  }),
  route({
    method: 'GET',
    path: '/audit',
    access: 'audit:read',
    tag,
    operationId: 'listAllAuditEntries',
    summary: 'List the audit log',
    description:
      'Every act in the mode of the key, newest first: also on deleted apps, and outside any app. A key that is bound to an app gets 403.',
    query: auditQuery,
    responses,
    run: ({ licensing, query }) => licensing.audit.list(null, query),
    respond: many,
  }),
]
