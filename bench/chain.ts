import type { ChainFigure } from './chain/figure.ts'
import { growth } from './chain/growth.ts'
import { metagraph } from './chain/metagraph.ts'
import { scores } from './chain/score.ts'
import { yuma } from './chain/yuma.ts'
import { type Bench, measureEach, targetsOf } from './support/bench.ts'

/** A new one is a file of `chain/` and a word here. */
const parts: readonly ChainFigure[] = [scores, yuma, metagraph, growth]

export const bench: Bench = {
  name: 'chain',
  measures:
    'scores and weights of 1024 miners by 64 validators in 96 slots; an epoch of Yuma, to the bit of the runtime: 64 validators that weigh 256 and 1024 uids; the same in plain floating point beside it; the metagraph of 1024 neurons; what an adapter grows by in 10,000 blocks',
  targets: targetsOf(parts),
  async run(progress) {
    return await measureEach(parts, (part) => part.measure(progress))
  },
}
