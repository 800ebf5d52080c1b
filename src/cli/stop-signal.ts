import process from 'node:process'

const signals = ['SIGTERM', 'SIGINT'] as const

/** A server's reaction to SIGTERM and SIGINT. */
export interface StopSignal {
  /** Resolves at the next signal, and later ones change nothing. Until this call a signal ends the process. */
  received(): Promise<void>
}

/**
 * Takes the signals from now on. In a container the server is process 1, which the system does not end at a signal that it does
 * not take. npm passes on a Ctrl+C that the server has received too, so a second signal must not cut the open requests.
 */
export function takeStopSignals(): StopSignal {
  let stop = (): void => process.exit(0)
  for (const signal of signals) process.on(signal, () => stop())
  return { received: () => new Promise((resolve) => (stop = resolve)) }
}
