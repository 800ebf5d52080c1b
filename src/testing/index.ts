/** The storage contract as runnable cases, for whoever writes a storage. */

export { type ConformanceCase, storageCases } from './storage-cases.ts'
