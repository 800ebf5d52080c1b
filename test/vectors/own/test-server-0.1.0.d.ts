/** The tests give 0.1.0's server to programs that are written for this version's server. */
export { licensingServer } from '../../../src/adapters/elysia.ts'
export { createLicensing } from '../../../src/core/licensing.ts'
export { createTestServer } from '../../../src/testing/server.ts'
