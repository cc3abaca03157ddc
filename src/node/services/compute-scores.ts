import { every } from '../../clock.ts'
import { secondsMs } from '../../units.ts'
import type { Core } from '../core.ts'
import type { Scores } from '../scores.ts'
import type { Service } from '../service.ts'

interface Parts {
  readonly core: Core
  readonly scores: Scores
}

/** Computes scores whenever another slot's evidence has settled, and tells of them. */
export const computeScores = ({ core, scores }: Parts): Service => ({
  name: 'compute-scores',
  async start(signal) {
    const { events, log, net } = core
    const intervalMs = secondsMs(net.network === 'local' ? 1 : 30)
    let last = 0
    void every(intervalMs, { signal, log, name: 'compute-scores' }, () => {
      const slot = scores.cutSlot()
      if (slot === last) return
      last = slot
      const { slots, miners, burn } = scores.current()
      events.emit('scores-computed', { slot, slots, miners: miners.size, burn })
      for (const { hotkey, score, reliability, reason, gpus } of miners.values()) {
        const miner = gpus[0]?.miner ?? ''
        events.emit('miner-scored', { slot, hotkey, miner, score, reliability, reason })
      }
    })
  },
})
