/** A generator of numbers in 0..1 that repeats for a seed (a linear congruence: for test data alone). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** Whole numbers from 0 up to, not including, what is asked; the same for a seed. */
export function belowFrom(seed: number): (limit: number) => number {
  const random = randomFrom(seed)
  return (limit) => Math.floor(random() * limit)
}
