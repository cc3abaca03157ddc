import type { Result, Target } from '../support/bench.ts'

/** One concern of `bench chain`; a file of this folder each. */
export interface ChainFigure {
  readonly targets: Readonly<Record<string, Target>>
  measure(progress: (line: string) => void): Promise<Result>
}
