/**
 * The storage contract as runnable cases, for authors of storages.
 *
 * @module
 */

export { type ConformanceCase, storageCases } from './storage-cases.ts'
