import type { Chain } from '../chain/chain.ts'
import type { EpochEarning } from '../chain/chain-earnings.ts'
import type { Log } from '../log.ts'
import type { EarningsBook } from './earnings-book.ts'
import type { Events } from './events.ts'
import { formatTao } from './format-tao.ts'
import { type NominatorsBook, sharesOf } from './nominators-book.ts'

/** Epochs that a first reading goes back, and epochs read at once after a time off: each is about ten requests. */
const FIRST_EPOCHS = 100
const MOST_EPOCHS = 1000
/** Epochs that may end between the reading of the subnet and that of its past. */
const MARGIN = 2
/** Gaps written down at once, after which a record begins anew. */
const MOST_GAPS = 10_000

export interface RecorderNeeds {
  readonly netuid: number
  /** Whom this node works for; undefined as long as that is not known. */
  readonly hotkey: () => Promise<string | undefined>
  /** The chain while there is a connection, and the epoch of its last reading. */
  readonly chain: () => Chain | undefined
  readonly epoch: () => number | undefined
  readonly book: EarningsBook
  readonly nominators: NominatorsBook
  readonly log: Log
  readonly events: Pick<Events, 'emit'>
}

/** Writes down what a hotkey earned in each epoch, once the epoch is over. */
export interface EarningsRecorder {
  /** Does what is to be done; never to be called twice at once. */
  turn(): Promise<void>
}

/** What of the epochs read is to be written down after `last`, with a gap for each that could not be read. */
export function newEarnings(
  last: number | undefined,
  read: readonly EpochEarning[],
): readonly EpochEarning[] {
  const newest = read.at(-1)?.epoch
  if (newest === undefined) return []
  // What was before the first record is no gap in it.
  if (last === undefined) return read.filter(({ state }) => state !== 'discarded')
  const byEpoch = new Map(read.map((one) => [one.epoch, one]))
  const first = Math.max(last + 1, newest - MOST_GAPS + 1)
  return Array.from({ length: Math.max(0, newest - first + 1) }, (_, at) => {
    const epoch = first + at
    return byEpoch.get(epoch) ?? { state: 'discarded', epoch, block: null }
  })
}

/** Whether epochs read follow on what is written down, or begin where the endpoint's state does. */
const reaches = (last: number | undefined, [first]: readonly EpochEarning[]): boolean =>
  last === undefined ||
  first === undefined ||
  first.state === 'discarded' ||
  first.epoch <= last + 1

/** Epochs in which the node was off are read afterwards as far as the endpoint keeps their state. */
export function createEarningsRecorder(needs: RecorderNeeds): EarningsRecorder {
  const { netuid, book, log, events } = needs
  return {
    async turn() {
      const [chain, epoch] = [needs.chain(), needs.epoch()]
      if (chain === undefined || epoch === undefined) return
      const hotkey = await needs.hotkey()
      if (hotkey === undefined) return
      const last = await book.last(hotkey)
      if (last !== undefined && epoch <= last) return
      const missing = last === undefined ? FIRST_EPOCHS : Math.min(MOST_EPOCHS, epoch - last)
      const read = await chain.earnings(netuid, hotkey, missing + MARGIN)
      // Epochs ended while this was asked: what lies before these is no gap. The next turn asks for more.
      if (missing < MOST_EPOCHS && !reaches(last, read)) return
      const found = newEarnings(last, read)
      // Before the epochs themselves, whose record says that all is done.
      for (const earning of found) await recordShares(chain, hotkey, earning)
      await book.add(hotkey, found)
      for (const earning of found.slice(-1)) tell(hotkey, earning)
      const gaps = found.filter(({ state }) => state === 'discarded')
      if (gaps.length > 0)
        log.warn('earnings-gap', {
          hotkey,
          from: gaps[0]!.epoch,
          to: gaps.at(-1)!.epoch,
          next: 'an archive node has them: compute-node chain earnings --chain URL',
        })
    },
  }

  async function recordShares(chain: Chain, hotkey: string, earning: EpochEarning): Promise<void> {
    // By emission, not dividends: while nobody weighs anybody, the chain pays by stake.
    if (earning.state !== 'read' || earning.emission === 0n) return
    const delegation = await chain.delegation(netuid, hotkey, earning.block)
    const shared = sharesOf(earning.epoch, delegation)
    if (shared !== undefined) await needs.nominators.add(hotkey, shared)
  }

  function tell(hotkey: string, earning: EpochEarning): void {
    const { epoch, state } = earning
    const emission = earning.state === 'read' ? formatTao(earning.emission) : null
    log.info('earnings-recorded', { hotkey, epoch, state, emission })
    events.emit('earnings-recorded', { hotkey, epoch, state, emission })
  }
}
