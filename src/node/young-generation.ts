import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { MiB, secondsMs } from '../units.ts'

/** Both halves of it. */
export const YOUNG_BYTES = 8 * MiB
/**
 * Loading a thousand small modules makes much garbage, which must not make it grow (bin/compute-node.js): in one such
 * turn it may double several times, past its bound, for nobody can look in between. A busy machine takes as long.
 */
const STARTED_AFTER_MS = secondsMs(30)
const LOOK_MS = secondsMs(1)

/**
 * By how much V8 multiplies its young generation when much survives in it (1: it stays), where its objects have
 * `newSpaceBytes` now. Buffers count as nothing there: in one of 64 MiB, V8's own limit, more than 64 MiB of them come
 * together before it is collected, at which V8 collects the whole heap instead, which cost a copying node more than all
 * its copying. In one of 2 MiB many live long enough to be moved to the old generation, and the same happens.
 */
export const youngGrowth = (newSpaceBytes: number, mostBytes = YOUNG_BYTES): 1 | 2 =>
  newSpaceBytes < mostBytes ? 2 : 1

/** Of this process, whose flags these are. */
let mostBytes = YOUNG_BYTES

/** From now on V8's own limit holds in this process. */
export function freeYoungGeneration(): void {
  mostBytes = Number.POSITIVE_INFINITY
}

/** Lets the young generation of this process grow to about YOUNG_BYTES once it has started, and again when V8 shrank it. */
export function boundYoungGeneration({
  afterMs = STARTED_AFTER_MS,
  everyMs = LOOK_MS,
}: {
  readonly afterMs?: number
  readonly everyMs?: number
} = {}): Disposable {
  let growth: number | undefined
  const look = (): void => {
    const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
    const next = youngGrowth(young?.space_size ?? YOUNG_BYTES, mostBytes)
    if (next !== growth) setFlagsFromString(`--semi-space-growth-factor=${next}`)
    growth = next
  }
  let timer = setTimeout(() => {
    look()
    timer = setInterval(look, everyMs).unref()
  }, afterMs).unref()
  return { [Symbol.dispose]: () => clearTimeout(timer) }
}
