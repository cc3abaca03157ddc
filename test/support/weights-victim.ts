// Runs a validator's weights in a process of its own, which kills itself at one step.
import { connectJsonRpc } from '../../src/chain/json-rpc.ts'
import { keyFromSeed } from '../../src/chain/keys.ts'
import { Sender } from '../../src/chain/subtensor/transactions.ts'
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

/** Hands the first transaction to the pool, and dies before it can be in a block. */
async function dieOnceSent(): Promise<void> {
  const rpc = await connectJsonRpc(url, signal)
  const send = Sender.prototype.send
  Sender.prototype.send = function (make, key) {
    const transaction = make()
    const signAsync = async (...given: Parameters<typeof transaction.signAsync>) => {
      const signed = await transaction.signAsync(...given)
      await rpc.call('author_submitExtrinsic', [signed.toHex()], signal)
      pass('sent')
      return signed
    }
    const get = (target: typeof transaction, name: string | symbol) =>
      name === 'signAsync' ? signAsync : Reflect.get(target, name, target)
    return send.call(this, () => new Proxy(transaction, { get }), key)
  }
}

if (at === 'sent') await dieOnceSent()
const store = await openStore(folder)
const book = openWeightsBook(store)
const chain = await connectChain(url, { log: silent, signal })
await keepWeights({
  hotkey: keyFromSeed('sr25519', new Uint8Array(32).fill(seed)),
  signal,
  book: {
    ...book,
    async keepReveal(pending) {
      pass('before keep')
      await book.keepReveal(pending)
      pass('kept')
    },
  },
  chain: {
    ...chain,
    async submitWeights(...given) {
      const outcome = await chain.submitWeights(...given)
      if (outcome.kind === 'hash') pass('in a block')
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
