/** The tests give 0.1.0's client to programs that are written for this version's client. */
export { createLicenseClient } from '../../../src/client/index.ts'
