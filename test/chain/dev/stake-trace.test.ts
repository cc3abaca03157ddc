// Staking, unstaking and changes of a take against what the real runtime of spec 218 answered, call by call, recorded once; what
// the newer runtime does otherwise beside it.
import { readFileSync } from 'node:fs'
import type { DispatchError, EventRecord } from '@polkadot/types/interfaces'
import { describe, expect, test } from 'vitest'
import { executeBlock } from '../../../src/chain/dev/block-author.ts'
import { freeOf, putFree } from '../../../src/chain/dev/calls/balances.ts'
import { moveAlphaOut, putStake, stakeOf } from '../../../src/chain/dev/calls/stake.ts'
import { putSubnet } from '../../../src/chain/dev/calls/subnet.ts'
import type { SignedExtrinsic } from '../../../src/chain/dev/extrinsics.ts'
import type { Spec } from '../../../src/chain/dev/metadata/table.ts'
import { Runtime } from '../../../src/chain/dev/runtime.ts'
import { Storage } from '../../../src/chain/dev/storage.ts'
import { VersionedState } from '../../../src/chain/dev/versioned-state.ts'
import { toHex } from '../../../src/chain/hex.ts'
import { keyFromSeed } from '../../../src/chain/keys.ts'
import { u16s, u64 } from '../../../src/chain/scale.ts'
import { decodeAddress } from '../../../src/chain/ss58.ts'
import { silent } from '../../../src/log.ts'

/** A call, its error, the subtensor events that concern stakes and takes, and the pool's rao and alpha after its block. */
interface Step {
  readonly name: string
  readonly call: string
  readonly signer: string
  readonly err: string | null
  readonly told: readonly (readonly [event: string, data: readonly (string | number)[]])[]
  readonly pool: readonly [tao: string, alpha: string]
}

const steps = JSON.parse(
  readFileSync(new URL('../../vectors/chain-stake-218.json', import.meta.url), 'utf8'),
) as Step[]

const TAO = 1_000_000_000n
const NETUID = 2
const address = (byte: number): string =>
  keyFromSeed('sr25519', new Uint8Array(32).fill(byte)).address

/** A subnet on a chain of its own, call by call. */
class Replay {
  readonly runtime: Runtime
  readonly state = new VersionedState(0, [], 1000)
  readonly storage: Storage
  block = 0

  constructor(spec: Spec, signers: Iterable<string>) {
    this.runtime = new Runtime(spec)
    this.storage = new Storage(this.runtime, this.state)
    for (const signer of signers) putFree(this.storage, signer, 100_000n * TAO)
    this.storage.put('balances', 'totalIssuance', [], 1_000_000n * TAO)
    putSubnet(this.storage, NETUID, address(90), { pool: 1000n * TAO })
    this.state.apply(this.block, this.storage.take())
  }

  /** The error's name, and subtensor's events. */
  run(signer: string, call: string): { err: string | null; told: Step['told'] } {
    const method = this.runtime.registry.createType('Call', call)
    const extrinsic = { method } as unknown as SignedExtrinsic['extrinsic']
    const faults: unknown[] = []
    const log = { ...silent, error: (_: string, error: unknown) => faults.push(error) }
    const place = { number: ++this.block, parentHash: `0x${'00'.repeat(32)}`, timeMs: 0 }
    const transaction = { signer, extrinsic } as SignedExtrinsic
    executeBlock(this.storage, { ...place, netuids: [] }, [transaction], log)
    expect(faults).toEqual([])
    this.state.apply(this.block, this.storage.take())
    const codec = this.storage.codec('system', 'events') as unknown as Iterable<EventRecord>
    const events = [...codec].map(({ event }) => event)
    const failed = events.find(({ method: name }) => name === 'ExtrinsicFailed')
    const told = events
      .filter(({ section }) => section === 'subtensorModule')
      .map((event) => [`subtensorModule.${event.method}`, event.data.toJSON()])
    return { err: failed === undefined ? null : this.#name(failed.data[0]), told: told as never }
  }

  #name(error: unknown): string {
    const found = error as DispatchError
    if (!found.isModule) return found.toString()
    const { section, name } = this.runtime.registry.findMetaError(found.asModule)
    return `${section}.${name}`
  }
}

const STAKING = /Stake(Added|Removed)$/

describe('as the real spec 218', () => {
  const replay = new Replay(218, new Set(steps.map(({ signer }) => signer)))

  /** The pool as it was before the step's own swap: the real one had grown by what its blocks emit. */
  function preparePool({ told, pool: [tao, alpha] }: Step): void {
    const swap = told.find(([event]) => STAKING.test(event))
    const [rao, staked] = [BigInt(swap?.[1][2] ?? 0), BigInt(swap?.[1][3] ?? 0)]
    const by = swap?.[0].endsWith('StakeAdded') === true ? 1n : -1n
    replay.storage.put('subtensorModule', 'subnetTAO', [NETUID], BigInt(tao) - by * rao)
    replay.storage.put('subtensorModule', 'subnetAlphaIn', [NETUID], BigInt(alpha) + by * staked)
  }

  test.each(steps)('$name', (step) => {
    preparePool(step)
    const { err, told } = replay.run(step.signer, step.call)
    expect(err).toBe(step.err)
    const wanted = told.filter(([event]) => /(Stake|Take)\w+$/.test(event))
    expect(wanted).toEqual(step.told)
  })
})

describe('as spec 424 says', () => {
  const [owner, other, hotkey, unknown] = [1, 2, 3, 4].map(address) as [
    string,
    string,
    string,
    string,
  ]
  const replay = new Replay(424, [owner, other])
  replay.storage.put('subtensorModule', 'owner', [hotkey], owner)
  putStake(replay.storage, NETUID, hotkey, owner, 100n * TAO)
  moveAlphaOut(replay.storage, NETUID, 100n * TAO)
  replay.state.apply(0, replay.storage.take())

  /** Calls by their place in the pallet, whose encoding the golden vectors hold to the real runtime. */
  const call = (index: number, of: string, ...rest: Uint8Array[]): string =>
    toHex(Buffer.concat([Uint8Array.of(7, index), decodeAddress(of), ...rest]))
  const unstake = (of: string, alpha: bigint, netuid = NETUID): string =>
    call(3, of, u16s([netuid]), u64(Number(alpha)))
  const take = (kind: 'decrease' | 'increase', of: string, wanted: number): string =>
    call(kind === 'decrease' ? 65 : 66, of, u16s([wanted]))
  const errorOf = (signer: string, bytes: string): string | null => replay.run(signer, bytes).err

  test('an unstaking is refused by name, or takes at most what there is', () => {
    expect(errorOf(owner, unstake(hotkey, TAO, 77))).toBe('subtensorModule.SubtokenDisabled')
    expect(errorOf(owner, unstake(hotkey, 0n))).toBe('subtensorModule.AmountTooLow')
    expect(errorOf(owner, unstake(hotkey, 1000n))).toBe('subtensorModule.AmountTooLow')
    expect(errorOf(other, unstake(hotkey, TAO))).toBe('subtensorModule.AmountTooLow')
    const before = freeOf(replay.storage, owner)
    const out = replay.storage.bigint('subtensorModule', 'subnetAlphaOut', NETUID)
    const { err, told } = replay.run(owner, unstake(hotkey, 1000n * TAO))
    expect(err).toBeNull()
    const rao = (1000n * 100n * TAO) / 1100n
    expect(told).toEqual([
      ['subtensorModule.StakeRemoved', [owner, hotkey, Number(rao), 1e11, NETUID, 0]],
    ])
    expect(freeOf(replay.storage, owner)).toBe(before + rao)
    expect(stakeOf(replay.storage, NETUID, hotkey, owner)).toBe(0n)
    expect(replay.storage.bigint('subtensorModule', 'subnetAlphaOut', NETUID)).toBe(
      out - 100n * TAO,
    )
  })

  test('every change of a take counts for the next increase', () => {
    const name = (error: string): string => `subtensorModule.${error}`
    expect(errorOf(owner, take('decrease', unknown, 1))).toBe(name('HotKeyAccountNotExists'))
    expect(errorOf(other, take('decrease', hotkey, 1))).toBe(name('NonAssociatedColdKey'))
    expect(errorOf(owner, take('decrease', hotkey, 1000))).toBeNull()
    expect(errorOf(owner, take('decrease', hotkey, 1000))).toBe(name('DelegateTakeTooLow'))
    expect(errorOf(owner, take('increase', hotkey, 11_797))).toBe(name('DelegateTakeTooHigh'))
    expect(errorOf(owner, take('increase', hotkey, 2000))).toBe(name('DelegateTxRateLimitExceeded'))
    replay.block += 216_000
    expect(errorOf(owner, take('increase', hotkey, 2000))).toBeNull()
    expect(replay.storage.number('subtensorModule', 'delegates', hotkey)).toBe(2000)
  })
})
