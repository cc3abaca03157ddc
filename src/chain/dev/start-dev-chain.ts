import type { BeaconInfo } from '../../beacon.ts'
import { sleep } from '../../clock.ts'
import { NodeError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { fromHex } from '../hex.ts'
import { openChainStore } from './chain-store.ts'
import { DevNode } from './dev-node.ts'
import { type GenesisOptions, openOrigin } from './genesis.ts'
import { openLedger } from './ledger-book.ts'
import { ledgerMethods } from './ledger-methods.ts'
import { pulseMethods } from './pulse-methods.ts'
import { PulseSource } from './pulses.ts'
import { serveRpc } from './rpc-server.ts'
import { substrateMethods } from './substrate-methods.ts'

export interface DevChainOptions extends Partial<GenesisOptions> {
  /** Where the chain lives; made when missing. */
  readonly dataDir: string
  /** 0 = any free port. */
  readonly port?: number
  readonly host?: string
  /** The ledger's clock, by which escrows expire; tests pass their own. */
  readonly ledgerNowMs?: () => number
  readonly blockMs?: number
  /** The clock of blocks, and of the pulses they store; tests pass their own. */
  readonly nowMs?: () => number
  /**
   * Asked before each block, with its number and how many transactions wait; false puts it off. Tests hold the chain by
   * it until a slow machine has done its part, so that blocks and not seconds decide.
   */
  readonly mayAuthor?: (block: number, waiting: number) => boolean
  readonly log: Log
  /** Stops the chain. */
  readonly signal: AbortSignal
}

export interface DevChain {
  /** ws://127.0.0.1:PORT */
  readonly url: string
  /** 0x and 64 hex digits. */
  readonly genesis: string
  /** What `isDevGenesis` checks the genesis against. */
  readonly stateRoot: string
  readonly beacon: BeaconInfo
  /** Stops producing blocks and frees port and folder. */
  close(): Promise<void>
}

const BLOCK_MS = 1000

/**
 * Runs an embedded dev chain: Substrate JSON-RPC over WebSocket, a block every `blockMs`, a BLS beacon and a ledger in
 * DEV. Its state survives a restart. BAD_CONFIG_* on a taken port or folder, or another spec than it was made with.
 */
export async function startDevChain(options: DevChainOptions): Promise<DevChain> {
  const { dataDir, port = 0, host = '127.0.0.1', blockMs = BLOCK_MS, log, signal } = options
  const { ledgerNowMs = Date.now, nowMs = Date.now } = options
  await using stack = new AsyncDisposableStack()
  const store = stack.adopt(await openChainStore(dataDir), (one) => one.close())
  const { origin, runtime, genesis } = await openOrigin(store, genesisOptions(options), nowMs())
  const blocks = await store.blocks()
  const state = await store.state()
  const pulses = new PulseSource(origin, nowMs)
  const node = new DevNode({ runtime, store, blocks, genesis, state, log, nowMs, pulses })
  const life = new AbortController()
  const methods = {
    ...substrateMethods(node),
    ...pulseMethods(pulses, life.signal),
    ...ledgerMethods(await openLedger(store), fromHex(genesis.hash, 32)!, ledgerNowMs),
    cn_info: () => ({ genesis: genesis.hash, stateRoot: genesis.header.stateRoot, blockMs }),
  }
  const server = stack.adopt(await serveRpc(methods, { host, port, log }), (one) => one.close())
  const producing = produce(node, options, life.signal, log)
  stack.defer(async () => {
    life.abort()
    await producing
  })
  const owned = stack.move()
  const close = once(() => owned.disposeAsync())
  signal.addEventListener('abort', () => void close(), { once: true })
  if (signal.aborted) await close()
  const { stateRoot } = genesis.header
  return { url: server.url, genesis: genesis.hash, stateRoot, beacon: pulses.beacon, close }
}

function genesisOptions(options: Partial<GenesisOptions>): GenesisOptions {
  const { spec = 424, netuid = 1, tempo = 10, seats = 64, commitReveal = false } = options
  const { beaconPeriodMs = 1000, accounts = new Map() } = options
  if (netuid < 1 || netuid > 4095 || tempo < 1 || tempo > 65_535)
    throw new NodeError('BAD_CONFIG', 'netuid must be 1 to 4095 and tempo 1 to 65535')
  return { spec, netuid, tempo, seats, commitReveal, beaconPeriodMs, accounts }
}

/** A block every `blockMs`, on time on average, until `signal` aborts; a failed one is logged and tried again. */
async function produce(
  node: DevNode,
  { blockMs = BLOCK_MS, mayAuthor = () => true }: Pick<DevChainOptions, 'blockMs' | 'mayAuthor'>,
  signal: AbortSignal,
  log: Log,
): Promise<void> {
  let dueMs = Date.now() + blockMs
  while (!signal.aborted) {
    const slept = await sleep(Math.max(1, dueMs - Date.now()), signal).then(
      () => true,
      () => false, // stopped while waiting
    )
    if (!slept) return
    dueMs = Math.max(dueMs + blockMs, Date.now())
    if (!mayAuthor(node.head + 1, node.pool.size)) continue
    try {
      await node.author()
    } catch (error) {
      log.error('block-failed', error)
    }
  }
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => {
    done ??= work()
    return done
  }
}
