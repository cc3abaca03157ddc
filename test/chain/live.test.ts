// The same promises on a real runtime: SUBTENSOR_WS=ws://127.0.0.1:9944 of a localnet or chopsticks (docs/chain.md).
import { describe, expect, test } from 'vitest'
import { connectChain } from '../../src/chain/subtensor.ts'
import { silent } from '../../src/log.ts'
import { prepareLive } from '../support/live-subtensor.ts'
import { endpointOrSkip } from '../support/skips.ts'
import { adapterSuite } from './adapter-suite.ts'

const url = process.env['SUBTENSOR_WS'] ?? ''

describe.skipIf(!endpointOrSkip(url !== '', 'a real subtensor (SUBTENSOR_WS)'))(
  'the adapter on a real runtime',
  { timeout: 600_000 },
  () => {
    let spec = 0
    adapterSuite(async () => {
      const life = new AbortController()
      const live = await prepareLive(url)
      const chain = await connectChain(url, { log: silent, signal: life.signal })
      spec = chain.info().specVersion
      return {
        chain,
        netuid: live.netuid,
        neurons: live.neurons,
        queues: live.queues,
        leastStake: 490n,
        permits: spec !== 218, // the devnet's runtime 218 runs a stand-in for epochs
        async until(condition) {
          while (!(await condition())) await live.nextBlock()
        },
        async close() {
          await chain.close()
          await live.close()
        },
      }
    })

    test('which runtime it was', () => {
      console.info(`real runtime: spec ${spec}`)
      expect(spec).toBeGreaterThan(0)
    })
  },
)
