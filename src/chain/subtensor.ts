import { NodeError } from '../errors.ts'
import type { BlockRef, Chain, TxResult } from './chain.ts'
import { fromHex, toHex } from './hex.ts'
import type { Transaction } from './subtensor/await-final.ts'
import { readCommitmentDue, readCommitmentIn } from './subtensor/commitment-place.ts'
import { type ConnectOptions, openApi, reading } from './subtensor/connection.ts'
import { chainInfo } from './subtensor/features.ts'
import { blockRef } from './subtensor/past-blocks.ts'
import { readFee, readFunds, transactionOf } from './subtensor/read-account.ts'
import { burnOf, readBurns } from './subtensor/read-burns.ts'
import { readEarnings } from './subtensor/read-earnings.ts'
import { SubnetReader } from './subtensor/read-subnet.ts'
import { readYuma } from './subtensor/read-yuma.ts'
import { finalizedHead, readWeights } from './subtensor/reads.ts'
import { sendCommit, submitWeights } from './subtensor/submit-weights.ts'
import { Sender } from './subtensor/transactions.ts'
import { readCommitWindows, readWeightRules } from './subtensor/weight-rules.ts'

/** A commitment's field holds at most this many bytes. */
const MAX_COMMITMENT = 128

/**
 * Connects to a subtensor, real or embedded. @polkadot/api is loaded here and not before: it costs half a second and
 * 120 MiB. Throws BAD_CONFIG_CHAIN, CHAIN_UNREACHABLE or CHAIN_UNSUPPORTED.
 */
export async function connectChain(url: string, options: ConnectOptions): Promise<Chain> {
  const api = await openApi(url, options)
  const life = new AbortController()
  const close = async (): Promise<void> => {
    life.abort(new NodeError('CHAIN_CLOSED', 'the connection to the chain was closed'))
    await api.disconnect()
  }
  options.signal.addEventListener('abort', () => void close(), { once: true })
  chainInfo(api) // throws when this is no subtensor
  const sender = new Sender(api, life.signal)
  const subnets = new SubnetReader(api)
  const head = () => reading(api, 'the newest block', () => finalizedHead(api))
  const subnet = (what: string, netuid: number, at?: BlockRef) =>
    reading(api, what, async () => subnets.read(netuid, at ?? (await finalizedHead(api))))
  const call = (section: string, method: string, ...args: unknown[]): Transaction =>
    api.tx[section]![method]!(...args)
  return {
    genesis: fromHex(api.genesisHash.toHex(), 32)!,
    info: () => chainInfo(api),
    head,
    blockAt: (number) => reading(api, 'a block', () => blockRef(api, number)),
    async onHead(listener, signal) {
      const stop = await reading(api, 'new blocks', () =>
        api.rpc.chain.subscribeFinalizedHeads((header) => {
          listener({ number: header.number.toNumber(), hash: header.hash.toHex() })
        }),
      )
      if (signal.aborted) stop()
      signal.addEventListener('abort', stop, { once: true })
    },
    metagraph: async (netuid, at) => (await subnet('the metagraph', netuid, at)).metagraph,
    epoch: async (netuid, at) => (await subnet('the epoch', netuid, at)).epoch,
    commitments: async (netuid, at) => (await subnet('the commitments', netuid, at)).commitments,
    weights: async (netuid, at, mechanism) =>
      reading(api, 'the weights', async () =>
        readWeights(api, netuid, at ?? (await head()), mechanism),
      ),
    yuma: async (netuid, at) =>
      reading(api, 'what an epoch works on', async () =>
        readYuma(api, netuid, at ?? (await head())),
      ),
    commitmentIn: async (netuid, hotkey, block) =>
      reading(api, 'a commitment', () => readCommitmentIn(api, netuid, hotkey, block)),
    commitmentDue: async (netuid, hotkey) =>
      reading(api, 'a commitment', () => readCommitmentDue(api, netuid, hotkey)),
    async setCommitment(netuid, hotkey, bytes): Promise<TxResult> {
      if (bytes.length > MAX_COMMITMENT)
        throw new NodeError('BAD_MESSAGE', `a commitment has at most ${MAX_COMMITMENT} bytes`)
      const fields = [{ [`Raw${bytes.length}`]: toHex(bytes) }]
      return sender.send(call('commitments', 'setCommitment', netuid, { fields }), hotkey)
    },
    registrationCost: async (netuid) =>
      reading(api, 'the cost of registering', async () =>
        BigInt((await api.query['subtensorModule']!['burn']!(netuid)).toString()),
      ),
    register: (netuid, coldkey, hotkey) =>
      sender.send(transactionOf(api, { kind: 'register', netuid, hotkey }), coldkey),
    addStake: (netuid, coldkey, hotkey, rao) =>
      sender.send(transactionOf(api, { kind: 'stake', netuid, hotkey, rao }), coldkey),
    transfer: (from, to, rao) =>
      sender.send(transactionOf(api, { kind: 'transfer', to, rao }), from),
    weightRules: async (netuid, hotkey, at) =>
      reading(api, 'the rules for weights', async () =>
        readWeightRules(api, netuid, hotkey, at ?? (await head()), { timelock: false }),
      ),
    commitWindows: async (netuid, hotkey, at) =>
      reading(api, 'the commits of weights', async () =>
        readCommitWindows(api, netuid, hotkey, at ?? (await head())),
      ),
    submitWeights: (netuid, hotkey, weights, options) =>
      submitWeights(api, sender, netuid, hotkey, weights, options),
    commitWeights: (hotkey, reveal) => sendCommit(api, sender, hotkey, reveal),
    revealWeights(hotkey, { netuid, uids, values, salt, versionKey }) {
      const args = [netuid, uids, values, salt, versionKey]
      return sender.send(call('subtensorModule', 'revealWeights', ...args), hotkey)
    },
    earnings: async (netuid, hotkey, epochs) =>
      reading(api, 'past epochs', async () =>
        readEarnings(api, netuid, hotkey, epochs, await head()),
      ),
    burnedAlpha: async (netuid, blocks) =>
      reading(api, 'burned alpha', () => readBurns(api, netuid, blocks)),
    burnAlpha: async (netuid, coldkey, burn) => sender.send(burnOf(api, netuid, burn), coldkey),
    balance: async (address) =>
      reading(api, 'a balance', async () => (await readFunds(api, address)).freeRao),
    funds: async (address) => reading(api, 'a balance', () => readFunds(api, address)),
    fee: async (payer, paid) => reading(api, 'a fee', () => readFee(api, payer, paid)),
    close,
  }
}
