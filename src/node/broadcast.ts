/** Hands items to everyone who follows; one who does not keep up loses its oldest, not everybody's time. */
export interface Broadcast<T> {
  send(item: T): void
  /** `first`, then everything sent from now on, and `alive` in quiet times, until `signal` aborts. */
  follow(signal: AbortSignal, first: readonly T[]): AsyncGenerator<T, void, undefined>
}

/** Items that wait for one slow follower. */
const MAX_WAITING = 1024

export function createBroadcast<T>({
  aliveMs,
  alive,
}: {
  readonly aliveMs: number
  readonly alive: T
}): Broadcast<T> {
  interface Follower {
    readonly waiting: T[]
    wake: () => void
  }
  const followers = new Set<Follower>()

  /** Resolves when there is an item, after `aliveMs`, or when the signal aborts. */
  const news = (follower: Follower, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(done, aliveMs)
      function done(): void {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      signal.addEventListener('abort', done, { once: true })
      follower.wake = done
    })

  return {
    send(item) {
      for (const follower of followers) {
        follower.waiting.push(item)
        if (follower.waiting.length > MAX_WAITING) follower.waiting.shift()
        follower.wake()
      }
    },
    async *follow(signal, first) {
      const follower: Follower = { waiting: [...first], wake: () => undefined }
      followers.add(follower)
      try {
        while (!signal.aborted) {
          const item = follower.waiting.shift()
          if (item !== undefined) {
            yield item
            continue
          }
          await news(follower, signal)
          if (!signal.aborted && follower.waiting.length === 0) yield alive
        }
      } finally {
        followers.delete(follower)
      }
    },
  }
}
