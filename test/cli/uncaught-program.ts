/** The command line with two errors that nobody catches: SIGUSR2 rejects a promise, and SIGHUP throws an exception. */
import process from 'node:process'

function throwPlanted(): never {
  throw new Error('a planted exception')
}

process.on('SIGUSR2', () => void Promise.reject(new Error('a planted rejection')))
process.on('SIGHUP', () => setTimeout(throwPlanted))

await import('../../src/cli/main.ts')
