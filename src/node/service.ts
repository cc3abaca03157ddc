/** A long-lived part of a node: `start` returns once it is ready; all it owns ends with `signal` and `stop`. */
export interface Service {
  readonly name: string
  start(signal: AbortSignal): Promise<void>
  stop?(): Promise<void>
}

/**
 * Starts services in order, telling the name of each before; disposing stops them in reverse. A start that fails stops
 * what had started.
 */
export async function runServices(
  services: readonly Service[],
  onStart?: (name: string) => void,
): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  for (const service of services) {
    const lifetime = new AbortController()
    stack.defer(async () => {
      lifetime.abort()
      await service.stop?.()
    })
    onStart?.(service.name)
    await service.start(lifetime.signal)
  }
  return stack.move()
}
