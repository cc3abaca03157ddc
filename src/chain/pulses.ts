import type { BeaconInfo } from '../beacon.ts'
import { codeOf, NodeError } from '../errors.ts'
import type { Log } from '../log.ts'
import { fromHex } from './hex.ts'
import { connectJsonRpc, type JsonRpc } from './json-rpc.ts'
import { keepConnected } from './keep-connected.ts'

/** A pulse as its source told it; whoever uses it verifies it first. */
export interface RawPulse {
  readonly round: number
  /** 48 B, unchecked. */
  readonly signature: Uint8Array
}

/** Where a source brings what it was told. */
export interface PulseSink {
  /** Whether a round's pulse is known, from wherever. */
  has(round: number): boolean
  /** Verifies and keeps a pulse; false when its signature is wrong. */
  take(pulse: RawPulse): Promise<boolean>
}

/** What a dev chain tells about itself, with its beacon. */
export interface DevChainInfo {
  /** 32 B. */
  readonly genesis: Uint8Array
  /** What `isDevGenesis` checks the genesis against. */
  readonly stateRoot: string
  readonly beacon: BeaconInfo
}

/** Asks a dev chain who it is. CHAIN_UNREACHABLE, or CHAIN_UNSUPPORTED when it is no dev chain. */
export async function devChainInfo(url: string, signal?: AbortSignal): Promise<DevChainInfo> {
  const rpc = await connectJsonRpc(url, signal)
  try {
    const info = await rpc.call<{ genesis: string; stateRoot: string }>('cn_info', [], signal)
    const genesis = fromHex(info.genesis, 32)
    if (genesis?.length !== 32) throw new NodeError('CHAIN_UNSUPPORTED', 'no genesis was told')
    return { genesis, stateRoot: String(info.stateRoot), beacon: await beaconOf(rpc, signal) }
  } catch (cause) {
    if (codeOf(cause) !== 'CHAIN_REFUSED') throw cause
    throw new NodeError('CHAIN_UNSUPPORTED', `${url} is no embedded dev chain`, {
      cause,
      next: 'start one with: compute-node chain dev',
    })
  } finally {
    rpc.close()
  }
}

async function beaconOf(rpc: JsonRpc, signal: AbortSignal | undefined): Promise<BeaconInfo> {
  const told = await rpc.call<Record<keyof BeaconInfo, unknown>>('cn_beaconInfo', [], signal)
  const publicKey = fromHex(told.publicKey, 96)
  const { periodMs, genesisMs } = told
  const valid =
    publicKey?.length === 96 &&
    Number.isSafeInteger(periodMs) &&
    (periodMs as number) > 0 &&
    Number.isSafeInteger(genesisMs)
  if (!valid) throw new NodeError('CHAIN_UNSUPPORTED', 'the chain tells no usable beacon')
  const beacon = { periodMs: periodMs as number, genesisMs: genesisMs as number }
  return { name: String(told.name).slice(0, 32), publicKey, ...beacon }
}

/** How many missed pulses are asked for after a lost connection. */
const MAX_MISSED = 60

/**
 * Calls back for every pulse of a dev chain's beacon, in order and unverified, until `signal` aborts; a lost
 * connection is opened again. What was missed, meanwhile or because either side was slow, is fetched first. Resolves
 * when `signal` aborts.
 */
export async function followPulses(
  url: string,
  onPulse: (pulse: RawPulse) => void,
  { log, signal }: { log: Log; signal: AbortSignal },
): Promise<void> {
  let last = 0
  const take = (told: unknown): void => {
    const { round, signature } = told as { round?: unknown; signature?: unknown }
    const bytes = fromHex(signature, 48)
    if (!Number.isSafeInteger(round) || bytes?.length !== 48 || (round as number) <= last) return
    last = round as number
    onPulse({ round: last, signature: bytes })
  }
  const takeInOrder = async (rpc: JsonRpc, told: unknown): Promise<void> => {
    const { round } = told as { round?: unknown }
    if (last > 0 && Number.isSafeInteger(round)) {
      const from = Math.max(last + 1, (round as number) - MAX_MISSED)
      const until = (round as number) - 1
      const missed =
        from > until ? [] : await rpc.call<unknown[]>('cn_pulses', [from, until], signal)
      for (const pulse of missed) take(pulse)
    }
    take(told)
  }
  const interrupted = (error: unknown): void => {
    if (!signal.aborted) log.warn('pulses-interrupted', { code: codeOf(error) })
  }
  const follow = async (rpc: JsonRpc): Promise<void> => {
    let turn = Promise.resolve()
    const onTold = (told: unknown): void => {
      turn = turn.then(() => takeInOrder(rpc, told)).catch(interrupted)
    }
    await rpc.subscribe('cn_subscribePulses', onTold, signal)
  }
  await keepConnected(url, signal, follow, interrupted)
}
