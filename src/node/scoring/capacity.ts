/** What GPUs showed in one slot, by their numbers. */
export type Capacity = readonly Shown[]

/** One GPU's part of it. */
export interface Shown {
  readonly number: number
  /** Millionths of a unit: whole numbers, whose sums are the same in every order. */
  readonly micros: number
}

/** What a GPU showed, as part of a capacity. */
export const shownBy = (number: number, units: number): Shown => ({
  number,
  micros: Math.round(units * 1e6),
})

const totalOf = (capacity: Capacity): number =>
  capacity.reduce((sum, { micros }) => sum + micros, 0)

/** The larger of two capacities, of equal ones the second. */
export const larger = (a: Capacity, b: Capacity): Capacity => (totalOf(a) > totalOf(b) ? a : b)

/**
 * Whether certain GPUs are more than half of a capacity, by what they showed and not by how many names they have: names
 * cost nothing, and what a card showed in one slot its names share. Undefined where nothing was shown.
 */
export function isMost(
  capacity: Capacity,
  isOne: (number: number) => boolean,
): boolean | undefined {
  let [some, all] = [0, 0]
  for (const { number, micros } of capacity) {
    all += micros
    if (isOne(number)) some += micros
  }
  return all === 0 ? undefined : some * 2 > all
}
