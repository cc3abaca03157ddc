import type { Capacity } from './capacity.ts'
import type { GpuRef, Testimony } from './evidence.ts'
import { createGpuNumbers } from './gpu-numbers.ts'
import { type Counting, countWords, type GpuWord, wordsOf } from './gpu-words.ts'
import { type Heard, heardFrom, type Page } from './heard.ts'
import { heardTooFew } from './heard-slot.ts'

/** What was said in one slot. */
export interface Listened {
  /** Validators with stake that do not abstain. */
  readonly heard: readonly Heard[]
  /** What they said of every GPU, by its number. */
  readonly words: readonly (readonly GpuWord[])[]
}

/** Hears slots, one after the other. */
export interface Listener {
  /** Every GPU that was named so far, by number. */
  readonly refs: readonly GpuRef[]
  /** What it gives stands until it hears the next slot; `before` is what GPUs showed just before. */
  hear(testimony: readonly Testimony[], before: Capacity): Listened
}

/**
 * Listens to validators by their stakes. A large network says millions of things, so one validator's words are ordered,
 * weighed and counted before the next one's are touched, and on the same pages in every slot.
 */
export function createListener(stakes: ReadonlyMap<string, bigint>): Listener {
  const numbers = createGpuNumbers()
  const pages: Page[] = []
  return {
    refs: numbers.refs,
    hear(testimony, before) {
      const heard: Heard[] = []
      const counting: Counting[][] = []
      for (const spoken of testimony) {
        const stake = stakes.get(spoken.validator) ?? 0n
        if (stake <= 0n) continue
        const page = pages[heard.length] ?? { rows: [], verdicts: [] }
        pages[heard.length] = page
        const one = heardFrom(spoken, stake, numbers, page)
        if (heardTooFew(one, before)) continue
        heard.push(one)
        countWords(counting, one)
      }
      const words = numbers.refs.map((_, number) => wordsOf(counting[number] ?? []))
      return { heard, words }
    },
  }
}
