/**
 * Runs works so that at most `count` are under way at a time, the others in the order they came; gives each work's own
 * outcome.
 */
export function atMost(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  const turns: (() => void)[] = []
  let free = count
  return async (work) => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => turns.push(resolve))
    try {
      return await work()
    } finally {
      const next = turns.shift()
      if (next === undefined) free += 1
      else next()
    }
  }
}
