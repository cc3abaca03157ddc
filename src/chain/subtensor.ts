import { deadline, sleep } from '../clock.ts'
import { NodeError } from '../errors.ts'
import type { BlockRef } from './block-ref.ts'
import type { Chain } from './chain.ts'
import type { PaidCall } from './chain-accounts.ts'
import { fromHex, toHex } from './hex.ts'
import { readCommitmentDue, readCommitmentIn } from './subtensor/commitment-place.ts'
import { type Connection, type ConnectOptions, openApi, reading } from './subtensor/connection.ts'
import { callOf, chainInfo } from './subtensor/features.ts'
import { followHeads, notThere } from './subtensor/final-heads.ts'
import { blockRef } from './subtensor/past-blocks.ts'
import { readFee, readFunds, transactionOf } from './subtensor/read-account.ts'
import { burnOf, readBurns } from './subtensor/read-burns.ts'
import { readEarnings, readMechanisms } from './subtensor/read-earnings.ts'
import { readDelegation, readStakesOf } from './subtensor/read-nominators.ts'
import { SubnetReader } from './subtensor/read-subnet.ts'
import { readTimelocked } from './subtensor/read-timelocked.ts'
import { readYuma } from './subtensor/read-yuma.ts'
import { finalizedHead, readWeights } from './subtensor/reads.ts'
import { submitWeights } from './subtensor/submit-weights.ts'
import { Sender, type Transaction } from './subtensor/transactions.ts'
import { readCommitWindows, readWeightRules } from './subtensor/weight-rules.ts'
import type { TxResult } from './transaction.ts'

/** A commitment's field holds at most this many bytes. */
const MAX_COMMITMENT = 128

/**
 * Connects to a subtensor, real or embedded, at the first endpoint that answers; another one is used when that is lost
 * or falls behind. @polkadot/api is loaded here and not before: it costs half a second and 120 MiB. Throws
 * BAD_CONFIG_CHAIN, CHAIN_UNREACHABLE or CHAIN_UNSUPPORTED.
 */
export async function connectChain(
  urls: string | readonly string[],
  options: ConnectOptions,
): Promise<Chain> {
  const connection = await openApi(typeof urls === 'string' ? [urls] : urls, options)
  const { api } = connection
  const life = new AbortController()
  const close = async (): Promise<void> => {
    life.abort(new NodeError('CHAIN_CLOSED', 'the connection to the chain was closed'))
    await api.disconnect()
  }
  options.signal.addEventListener('abort', () => void close(), { once: true })
  try {
    chainInfo(connection) // throws when this is no subtensor
  } catch (error) {
    await close()
    throw error
  }
  const sender = new Sender(connection, life.signal)
  const subnets = new SubnetReader(api)
  const newest = headsOf(connection)
  const head = () => reading('the newest block', newest)
  const subnet = (what: string, netuid: number, at?: BlockRef) =>
    reading(what, async () => subnets.read(netuid, at ?? (await head())))
  const call =
    (section: string, method: string, ...args: unknown[]): (() => Transaction) =>
    () =>
      callOf(api, section, method)(...args)
  const paid = (of: PaidCall) => () => transactionOf(api, of)
  const rules = (netuid: number, hotkey: string, at?: BlockRef) =>
    reading('the rules for weights', async () =>
      readWeightRules(api, netuid, hotkey, at ?? (await head())),
    )
  return {
    genesis: fromHex(api.genesisHash.toHex(), 32)!,
    info: () => chainInfo(connection),
    head,
    bestBlock: () =>
      reading('the newest block', async () => (await api.rpc.chain.getHeader()).number.toNumber()),
    blockAt: (number) => reading('a block', () => blockRef(api, number)),
    onHead: (listener, signal) =>
      reading('new blocks', () => followHeads(connection, listener, { signal })),
    metagraph: async (netuid, at) => (await subnet('the metagraph', netuid, at)).metagraph,
    epoch: async (netuid, at) => (await subnet('the epoch', netuid, at)).epoch,
    commitments: async (netuid, at) => (await subnet('the commitments', netuid, at)).commitments,
    weights: async (netuid, at, mechanism) =>
      reading('the weights', async () => readWeights(api, netuid, at ?? (await head()), mechanism)),
    mechanisms: async (netuid, at) =>
      reading('the mechanisms', async () =>
        readMechanisms(await api.at((at ?? (await head())).hash), netuid),
      ),
    yuma: async (netuid, at) =>
      reading('what an epoch works on', async () => readYuma(api, netuid, at ?? (await head()))),
    commitmentIn: async (netuid, hotkey, block) =>
      reading('a commitment', () => readCommitmentIn(api, netuid, hotkey, block)),
    commitmentDue: async (netuid, hotkey) =>
      reading('a commitment', () => readCommitmentDue(api, netuid, hotkey)),
    async setCommitment(netuid, hotkey, bytes): Promise<TxResult> {
      if (bytes.length > MAX_COMMITMENT)
        throw new NodeError('BAD_MESSAGE', `a commitment has at most ${MAX_COMMITMENT} bytes`)
      const fields = [{ [`Raw${bytes.length}`]: toHex(bytes) }]
      return sender.send(call('commitments', 'setCommitment', netuid, { fields }), hotkey)
    },
    registrationCost: async (netuid) =>
      reading('the cost of registering', async () =>
        BigInt((await api.query['subtensorModule']!['burn']!(netuid)).toString()),
      ),
    register: (netuid, coldkey, hotkey) =>
      sender.send(paid({ kind: 'register', netuid, hotkey }), coldkey),
    addStake: (netuid, coldkey, hotkey, rao) =>
      sender.send(paid({ kind: 'stake', netuid, hotkey, rao }), coldkey),
    transfer: (from, to, rao) => sender.send(paid({ kind: 'transfer', to, rao }), from),
    weightRules: rules,
    commitWindows: async (netuid, hotkey, at) =>
      reading('the commits of weights', async () =>
        readCommitWindows(api, netuid, hotkey, at ?? (await head())),
      ),
    submitWeights: (netuid, hotkey, weights, options) =>
      submitWeights(
        { api, sender, readRules: () => rules(netuid, hotkey.address) },
        netuid,
        hotkey,
        weights,
        options,
      ),
    timelockedCommits: async (netuid, at) =>
      reading('timelocked weights', async () => readTimelocked(api, netuid, at ?? (await head()))),
    resume: (signed) => sender.resume(signed),
    revealWeights(hotkey, { netuid, uids, values, salt, versionKey }) {
      const args = [netuid, uids, values, salt, versionKey]
      return sender.send(call('subtensorModule', 'revealWeights', ...args), hotkey)
    },
    earnings: async (netuid, hotkey, epochs) =>
      reading('past epochs', async () => readEarnings(api, netuid, hotkey, epochs, await head())),
    stakesOf: async (netuid, coldkey, at) =>
      reading('what a coldkey staked', async () =>
        readStakesOf(api, netuid, coldkey, at ?? (await head())),
      ),
    delegation: async (netuid, hotkey, block) =>
      reading('who staked on a hotkey', async () =>
        readDelegation(api, netuid, hotkey, block ?? (await head()).number),
      ),
    burnedAlpha: async (netuid, blocks) =>
      reading('burned alpha', () => readBurns(api, netuid, blocks)),
    burnAlpha: (netuid, coldkey, burn) => sender.send(() => burnOf(api, netuid, burn), coldkey),
    balance: async (address) =>
      reading('a balance', async () => (await readFunds(api, address)).freeRao),
    funds: async (address) => reading('a balance', () => readFunds(api, address)),
    fee: async (payer, of) => reading('a fee', () => readFee(api, payer, of)),
    close,
  }
}

/** How long an endpoint that is behind the one before may take to catch up. */
const CATCH_UP_MS = 10_000

/** Reads the newest final block; never one before what was read before, from whichever endpoint. */
function headsOf({ api }: Connection): () => Promise<BlockRef> {
  let least = 0
  return async () => {
    using limit = deadline(undefined, CATCH_UP_MS)
    for (;;) {
      const head = await finalizedHead(api)
      if (head.number >= least) {
        least = head.number
        return head
      }
      if (limit.expired) throw notThere(`block ${least}`)
      await sleep(500)
    }
  }
}
