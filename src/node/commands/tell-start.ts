import { secondsMs } from '../../units.ts'
import type { Output } from '../output.ts'

/** What is over within this is not worth a line. */
const TOLD_AFTER_MS = secondsMs(1)

/** Tells a person at a terminal that a node starts, and what it is at where that takes its time. */
export interface StartTeller extends Disposable {
  /** What it does from now on. */
  step(what: string): void
}

export function tellStart({ progress }: Pick<Output, 'progress'>): StartTeller {
  let timer: NodeJS.Timeout | undefined
  progress('starting …')
  return {
    step(what) {
      clearTimeout(timer)
      timer = setTimeout(() => progress(`  ${what} …`), TOLD_AFTER_MS)
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  }
}
