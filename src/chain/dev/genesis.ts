import { randomBytes } from 'node:crypto'
import { NodeError } from '../../errors.ts'
import { DEV_ACCOUNT } from '../dev-account.ts'
import { putFree } from './calls/balances.ts'
import { putSubnet } from './calls/subnet.ts'
import type { Block, ChainStore, Origin } from './chain-store.ts'
import { devGenesis, headerHash } from './header.ts'
import { Runtime } from './runtime.ts'
import { Storage } from './storage.ts'
import { VersionedState } from './versioned-state.ts'

const TAO = 1_000_000_000n

/** What a fresh chain starts with; a chain that exists keeps what it was made with. */
export interface GenesisOptions {
  readonly spec: 218 | 424
  readonly netuid: number
  readonly tempo: number
  readonly commitReveal: boolean
  /** How many validators the highest stakes make; emission makes miners stakers as well. */
  readonly seats: number
  readonly beaconPeriodMs: number
  /** SS58 to rao, besides the development account. */
  readonly accounts: ReadonlyMap<string, bigint>
}

/** The development account's rao, enough for any market on one machine. */
const DEV_FUNDS = 10_000_000n * TAO

/** A chain's seed, runtime and block 0: made and stored in a fresh folder, else read back. */
export async function openOrigin(
  store: ChainStore,
  options: GenesisOptions,
  nowMs: number,
): Promise<{ origin: Origin; runtime: Runtime; genesis: Block }> {
  const known = await store.origin()
  if (known !== undefined && known.spec !== options.spec) {
    throw new NodeError('BAD_CONFIG_SPEC', `this chain was made with spec ${known.spec}`, {
      next: `start it with --spec ${known.spec}, or choose another --data-dir`,
    })
  }
  const origin = known ?? {
    spec: options.spec,
    seed: randomBytes(32).toString('hex'),
    // In whole seconds, as the chain's own storage tells it.
    beaconGenesisMs: Math.floor(nowMs / 1000) * 1000,
    beaconPeriodMs: options.beaconPeriodMs,
  }
  const runtime = new Runtime(origin.spec)
  const header = devGenesis(Buffer.from(origin.seed, 'hex'))
  const genesis: Block = { hash: headerHash(header), header, extrinsics: [] }
  if (known === undefined) {
    const storage = new Storage(runtime, new VersionedState(0, [], 1))
    fill(storage, options, nowMs)
    await store.begin(origin, genesis, storage.take())
  }
  return { origin, runtime, genesis }
}

function fill(storage: Storage, options: GenesisOptions, nowMs: number): void {
  const funds = new Map([[DEV_ACCOUNT.address, DEV_FUNDS], ...options.accounts])
  for (const [address, rao] of funds) putFree(storage, address, rao)
  const issued = [...funds.values()].reduce((a, b) => a + b, 0n)
  storage.put('balances', 'totalIssuance', [], issued)
  storage.put('system', 'number', [], 0)
  storage.put('timestamp', 'now', [], nowMs)
  storage.put('sudo', 'key', [], DEV_ACCOUNT.address)
  putSubnet(storage, options.netuid, DEV_ACCOUNT.address, {
    tempo: options.tempo,
    minAllowedWeights: 1,
    weightsSetRateLimit: 0,
    maxAllowedValidators: options.seats,
    activityCutoff: 5000,
    maxWeightsLimit: 65_535,
    commitRevealWeightsEnabled: options.commitReveal,
    pool: 1_000_000n * TAO,
  })
  // The owner's cut of every epoch goes there.
  storage.put('subtensorModule', 'subnetOwnerHotkey', [options.netuid], DEV_ACCOUNT.address)
  storage.put('subtensorModule', 'owner', [DEV_ACCOUNT.address], DEV_ACCOUNT.address)
}
