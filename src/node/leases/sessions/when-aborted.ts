/** A promise that rejects when the signal aborts; disposing forgets it. */
export function whenAborted(signal: AbortSignal) {
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  promise.catch(() => undefined) // who awaits it is told; nobody needs to
  return {
    aborted: promise,
    [Symbol.dispose]: () => signal.removeEventListener('abort', onAbort),
  }
}
