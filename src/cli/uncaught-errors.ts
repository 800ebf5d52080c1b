import { getLogger } from '@logtape/logtape'
import process from 'node:process'

const log = getLogger(['heartwood', 'cli'])

/**
 * Logs errors that nobody caught. After a rejected promise the server goes on, because every change is one transaction.
 *
 * @returns A promise that rejects with the first uncaught exception: after that the program must end.
 */
export async function uncaughtException(): Promise<never> {
  process.on('unhandledRejection', (error) => {
    log.error('Nobody caught an error. The server goes on: {error}', { error })
  })
  const error = await new Promise<unknown>((resolve) => process.on('uncaughtException', resolve))
  log.error('Nobody caught an error. The server stops: {error}', { error })
  throw error
}
