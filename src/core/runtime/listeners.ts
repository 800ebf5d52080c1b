import type { EventType, LicensingEvent } from './events.ts'

type Handler = (event: LicensingEvent<never>) => unknown

/** Handlers in this process that receive committed events. */
export interface Listeners {
  /** Calls `handler` after each commit of such an event. Returns a function that ends the calls. */
  on<Type extends EventType>(type: Type, handler: (event: LicensingEvent<Type>) => unknown): () => void
  /** Calls `handler` with the id of each app that has committed events. Returns a function that ends the calls. */
  onAny(handler: (appId: string) => void): () => void
  hasListeners(type: EventType): boolean
  /** Calls the handlers of `onAny`, because a delivery of this app is due. */
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
  const notify = (appId: string): void => watchers.forEach((watcher) => watcher(appId))
  return {
    on: (type, handler) => {
      // Wrapped, so that a handler that is given twice is called twice and stops once.
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
        // A microtask of its own, so that a handler that throws cannot fail the committed call.
        for (const handler of of(event.type)) queueMicrotask(() => void handler(event as never))
      for (const appId of new Set(events.map((event) => event.appId))) notify(appId)
    },
    notify,
  }
}
