/** The tests give 0.1.0's server to programs that are written for this version's server. */
export { createTestServer } from '../../../src/testing/server.ts'
