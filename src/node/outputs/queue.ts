import { listOf } from '../../api/common.ts'
import { placesLeft, policy, queueRow } from '../../api/hosting.ts'
import { drainState } from '../../api/status.ts'
import type { Outputs } from './output.ts'

/** What commands print of who waits, and of whom a miner rents to. */
export const queueOutputs: Outputs = {
  queue: { describe: 'a list, in the order of turns', schema: listOf(queueRow) },
  'queue leave': {
    describe: 'how many places were given up',
    schema: placesLeft,
  },
  drain: { describe: 'how far it is', schema: drainState },
  policy: { describe: 'the rules, and the price now', schema: policy },
}
