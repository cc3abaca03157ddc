import type { NowMs } from '../../../clock.ts'

/** Counts what failed, so that nobody can try much. */
export interface Attempts {
  /** How long nothing is tried any more; 0 while there is room. */
  waitMs(): number
  failed(): void
}

/** Lets `most` attempts fail within `perMs`, whoever makes them: on loopback there is one address. */
export function createAttempts(most: number, perMs: number, nowMs: NowMs): Attempts {
  let failures: number[] = []
  const recent = (): number[] => {
    failures = failures.filter((atMs) => atMs > nowMs() - perMs)
    return failures
  }
  return {
    waitMs: () => (recent().length < most ? 0 : recent()[0]! + perMs - nowMs()),
    failed() {
      if (recent().length < most) failures.push(nowMs())
    },
  }
}
