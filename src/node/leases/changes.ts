import { EventEmitter } from 'node:events'
import { type Deadline, deadline } from '../../clock.ts'

/** Tells those who wait that something under a key changed. */
export interface Changes {
  changed(key: string): void
  /**
   * Resolves with the first defined result of `look`, tried at once and after every change of `key`; undefined when
   * `ms` passed or `signal` aborted.
   */
  until<T>(
    key: string,
    look: () => T | undefined | Promise<T | undefined>,
    options: { readonly ms: number; readonly signal?: AbortSignal | undefined },
  ): Promise<T | undefined>
}

export function createChanges(): Changes {
  const emitter = new EventEmitter().setMaxListeners(0)
  return {
    changed: (key) => void emitter.emit(key),
    async until(key, look, { ms, signal }) {
      using limit = deadline(signal, ms)
      for (;;) {
        // Listening starts before the look, so that a change in between is not missed.
        using next = nextChange(emitter, key, limit)
        const found = await look()
        if (found !== undefined || limit.signal.aborted) return found
        await next.happened
      }
    },
  }
}

function nextChange(emitter: EventEmitter, key: string, { signal }: Deadline) {
  const { promise, resolve } = Promise.withResolvers<void>()
  const done = (): void => resolve()
  emitter.once(key, done)
  signal.addEventListener('abort', done, { once: true })
  return {
    happened: promise,
    [Symbol.dispose]() {
      emitter.off(key, done)
      signal.removeEventListener('abort', done)
    },
  }
}
