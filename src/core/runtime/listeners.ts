import type { EventType, LicensingEvent } from './events.ts'

type Handler = (event: LicensingEvent<never>) => unknown

/** Who in this process wants to know what was committed. */
export interface Listeners {
  /** Calls `handler` after each commit with such an event; answers how to stop it. */
  on<Type extends EventType>(type: Type, handler: (event: LicensingEvent<Type>) => unknown): () => void
  /** Calls `handler` with the id of each app that something was committed for. */
  onAny(handler: (appId: string) => void): () => void
  hasListeners(type: EventType): boolean
  /** Says that something of an app waits to be sent. */
  notify(appId: string): void
  publish(events: readonly LicensingEvent[]): void
}

export function createListeners(): Listeners {
  const handlers = new Map<EventType, Set<Handler>>()
  const watchers = new Set<(appId: string) => void>()
  const of = (type: EventType): Set<Handler> => {
    const set = handlers.get(type) ?? new Set()
    handlers.set(type, set)
    return set
  }
  const nudge = (appId: string): void => watchers.forEach((watcher) => watcher(appId))
  return {
    on: (type, handler) => {
      // Wrapped, so that a handler that is given twice is called twice, and stopped once.
      const own: Handler = (event) => handler(event)
      of(type).add(own)
      return () => void of(type).delete(own)
    },
    onAny: (handler) => {
      watchers.add(handler)
      return () => void watchers.delete(handler)
    },
    hasListeners: (type) => (handlers.get(type)?.size ?? 0) > 0,
    publish: (events) => {
      for (const event of events)
        // In a turn of its own: what a handler throws is never the failure of a call that was committed.
        for (const handler of of(event.type)) queueMicrotask(() => void handler(event as never))
      for (const appId of new Set(events.map((event) => event.appId))) nudge(appId)
    },
    notify: nudge,
  }
}
