import { type GpuRef, gpuKey } from './evidence.ts'

/** Numbers of GPUs, so that one of a thousand is found by its number and not, word by word, by its name. */
export interface GpuNumbers {
  /** By number. */
  readonly refs: readonly GpuRef[]
  /** Puts rows into `all` by the number of their GPU, and undefined elsewhere; of two about one GPU the last. */
  place<T extends GpuRef>(rows: readonly T[], all: (T | undefined)[]): void
}

const isSame = (a: GpuRef, b: GpuRef): boolean =>
  a.gpu === b.gpu && a.miner === b.miner && a.hotkey === b.hotkey

/** Counts GPUs up as they are first named. */
export function createGpuNumbers(): GpuNumbers {
  const refs: GpuRef[] = []
  const numbers = new Map<string, number>()

  function numberOf(ref: GpuRef): number {
    const key = gpuKey(ref)
    const known = numbers.get(key)
    if (known !== undefined) return known
    const { hotkey, miner, gpu } = ref
    numbers.set(key, refs.length)
    return refs.push({ hotkey, miner, gpu }) - 1
  }

  return {
    refs,
    place<T extends GpuRef>(rows: readonly T[], all: (T | undefined)[]) {
      all.fill(undefined)
      while (all.length < refs.length) all.push(undefined)
      // Validators name GPUs in one order: the next one is most often the next number.
      let next = 0
      for (const row of rows) {
        const guess = refs[next]
        const number = guess !== undefined && isSame(guess, row) ? next : numberOf(row)
        while (all.length <= number) all.push(undefined)
        all[number] = row
        next = number + 1
      }
    },
  }
}
