type Works<T extends readonly unknown[]> = {
  readonly [K in keyof T]: (signal: AbortSignal) => Promise<T[K]>
}

/**
 * Runs all works at once and gives their results in order. At the first failure it aborts the others, waits until each
 * has ended, so that whoever undoes what they did meets nothing half done, and throws that failure.
 */
export async function allOrNone<T extends readonly unknown[]>(
  signal: AbortSignal,
  works: Works<T>,
): Promise<T> {
  const life = new AbortController()
  const stop = (): void => life.abort(signal.reason)
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  const failures: unknown[] = []
  const ended = works.map(async (work) => {
    try {
      return await work(life.signal)
    } catch (error) {
      failures.push(error)
      life.abort(error)
      return undefined
    }
  })
  const results = await Promise.all(ended)
  signal.removeEventListener('abort', stop)
  if (failures.length > 0) throw failures[0]
  return results as unknown as T
}
