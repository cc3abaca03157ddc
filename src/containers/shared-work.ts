/** Runs `work` once for all who ask while it runs; who asks later has it done anew. */
export function sharedWork<T>(work: () => Promise<T>): () => Promise<T> {
  let underway: Promise<T> | undefined
  return () => {
    underway ??= work().finally(() => {
      underway = undefined
    })
    return underway
  }
}
