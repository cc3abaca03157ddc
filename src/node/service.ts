/** A long-lived part of a node: `start` returns once it is ready; all it owns ends with `signal` and `stop`. */
export interface Service {
  readonly name: string
  start(signal: AbortSignal): Promise<void>
  /** Ends what others must hear of, while every service still answers them: before the first signal aborts. */
  leave?(): Promise<void>
  stop?(): Promise<void>
}

/**
 * Starts services in order, telling the name of each before; disposing lets all of them leave and then stops them, each
 * time in reverse. A start that fails does so with what had started.
 */
export async function runServices(
  services: readonly Service[],
  onStart?: (name: string) => void,
): Promise<AsyncDisposable> {
  await using running = new AsyncDisposableStack()
  await using leaving = new AsyncDisposableStack() // disposed first
  for (const service of services) {
    const lifetime = new AbortController()
    running.defer(async () => {
      lifetime.abort()
      await service.stop?.()
    })
    onStart?.(service.name)
    await service.start(lifetime.signal)
    leaving.defer(async () => service.leave?.())
  }
  running.use(leaving.move())
  return running.move()
}
