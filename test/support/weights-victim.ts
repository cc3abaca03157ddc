// Runs a validator's weights in a process of its own, which kills itself at one step.

import { connectJsonRpc } from '../../src/chain/json-rpc.ts'
import { keyFromSeed } from '../../src/chain/keys.ts'
import type { PendingWeights } from '../../src/chain/pending-weights.ts'
import { connectChain } from '../../src/chain/subtensor.ts'
import { silent } from '../../src/log.ts'
import { openStore } from '../../src/node/store.ts'
import { openWeightsBook } from '../../src/node/weights-book.ts'
import { keepWeights, type WeightsCrash, type WeightsVictim } from './weights-validator.ts'

const { url, seed, folder, at } = JSON.parse(process.argv[2]!) as WeightsVictim
const { signal } = new AbortController()

const pass = (step: WeightsCrash): void => {
  if (step === at) process.kill(process.pid, 'SIGKILL')
}

/** Hands what was kept to the pool, and dies before it can be in a block. */
async function dieOnceSent({ signed }: PendingWeights): Promise<void> {
  const rpc = await connectJsonRpc(url, signal)
  await rpc.call('author_submitExtrinsic', [signed!.bytes], signal)
  pass('sent')
}

const store = await openStore(folder)
const book = openWeightsBook(store)
const chain = await connectChain(url, { log: silent, signal })
await keepWeights({
  hotkey: keyFromSeed('sr25519', new Uint8Array(32).fill(seed)),
  signal,
  book: {
    ...book,
    async keep(pending) {
      pass('before keep')
      await book.keep(pending)
      pass('kept')
      if (at === 'sent') await dieOnceSent(pending)
    },
  },
  chain: {
    ...chain,
    async submitWeights(...given) {
      const outcome = await chain.submitWeights(...given)
      if (outcome.kind !== 'skipped') pass('in a block')
      return outcome
    },
    async revealWeights(...given) {
      pass('before reveal')
      const result = await chain.revealWeights(...given)
      pass('revealed')
      return result
    },
  },
})
