import { describe, expect, test } from 'vitest'
import { putStake, stakeOf, takeStake } from '../../../src/chain/dev/calls/stake.ts'
import { putSubnet } from '../../../src/chain/dev/calls/subnet.ts'
import { payOut } from '../../../src/chain/dev/emission.ts'
import { Runtime } from '../../../src/chain/dev/runtime.ts'
import { Storage } from '../../../src/chain/dev/storage.ts'
import { VersionedState } from '../../../src/chain/dev/versioned-state.ts'
import { keyFromSeed } from '../../../src/chain/keys.ts'
import { runYuma } from '../../../src/chain/yuma/epoch.ts'
import type { NeuronOutcome } from '../../../src/chain/yuma/state.ts'
import { belowFrom } from '../../support/random.ts'
import { randomState } from '../../support/random-yuma.ts'

const MODULE = 'subtensorModule'
const NETUID = 1
const TAO = 1_000_000_000n
const address = (n: number): string => keyFromSeed('sr25519', new Uint8Array(32).fill(n)).address
const owner = address(200)
const hotkeys = Array.from({ length: 12 }, (_, n) => address(1 + n))
const coldkeys = Array.from({ length: 4 }, (_, n) => address(100 + n))
const runtimes = { 218: new Runtime(218), 424: new Runtime(424) }

/** A subnet of `n` neurons whose owner has a hotkey of its own. */
function subnet(spec: 218 | 424, n: number, ownerOf: (uid: number) => string): Storage {
  const storage = new Storage(runtimes[spec], new VersionedState(0, [], 10))
  putSubnet(storage, NETUID, owner, { pool: TAO })
  storage.put(MODULE, 'subnetOwnerHotkey', [NETUID], owner)
  for (const [uid, hotkey] of hotkeys.slice(0, n).entries()) {
    storage.put(MODULE, 'keys', [NETUID, uid], hotkey)
    storage.put(MODULE, 'owner', [hotkey], ownerOf(uid))
  }
  return storage
}

const alphaOn = (storage: Storage, hotkey: string): bigint =>
  storage.bigint(MODULE, 'totalHotkeyAlpha', hotkey, NETUID)
const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((a, b) => a + b, 0n)

const outcome = (miner: bigint, validator: bigint): NeuronOutcome =>
  ({ minerEmission: miner, validatorEmission: validator }) as NeuronOutcome

describe.each([218, 424] as const)('what an epoch pays, spec %d', (spec) => {
  test('a miner is paid on its hotkey, a validator by its take, its nominators by their shares', () => {
    const storage = subnet(spec, 2, () => coldkeys[0]!)
    const [validator, miner] = hotkeys as [string, string]
    storage.put(MODULE, 'delegates', [validator], 13_107) // a fifth
    putStake(storage, NETUID, validator, coldkeys[0]!, 1n * TAO)
    putStake(storage, NETUID, validator, coldkeys[1]!, 3n * TAO)
    const outcomes = [outcome(0n, 10n * TAO), outcome(7n * TAO, 0n)]
    const paid = payOut(storage, NETUID, outcomes, { cut: 2n * TAO, shared: 17n * TAO + 3n })
    expect(paid).toEqual({ staked: 19n * TAO, burned: 0n, recycled: 3n })
    expect(stakeOf(storage, NETUID, miner, coldkeys[0]!)).toBe(7n * TAO)
    expect(stakeOf(storage, NETUID, owner, owner)).toBe(2n * TAO)
    // The owner's take of 2 is there before the other 8 are shared out: 3 of 6 parts each.
    expect(alphaOn(storage, validator)).toBe(14n * TAO)
    const [first, second] = coldkeys.map((one) => stakeOf(storage, NETUID, validator, one))
    for (const part of [first!, second!]) {
      expect(part).toBeLessThanOrEqual(7n * TAO)
      expect(part).toBeGreaterThan(7n * TAO - 10n)
    }
    if (spec === 424)
      expect(storage.bigint(MODULE, 'alphaDividendsPerSubnet', NETUID, validator)).toBe(8n * TAO)
    expect(storage.bigint(MODULE, 'subnetAlphaOut', NETUID)).toBe(19n * TAO)
  })

  test('what the hotkeys of the subnet owner win as miners is nobody’s', () => {
    const storage = subnet(spec, 2, (uid) => (uid === 0 ? owner : coldkeys[0]!))
    const paid = payOut(storage, NETUID, [outcome(TAO, 0n), outcome(TAO, 0n)], {
      cut: 0n,
      shared: 2n * TAO,
    })
    expect(paid).toEqual({ staked: TAO, burned: TAO, recycled: 0n })
    expect([alphaOn(storage, hotkeys[0]!), alphaOn(storage, hotkeys[1]!)]).toEqual([0n, TAO])
  })

  test('without a hotkey of the owner its cut is not issued', () => {
    const storage = subnet(spec, 0, () => owner)
    storage.put(MODULE, 'subnetOwnerHotkey', [NETUID], null)
    const paid = payOut(storage, NETUID, [], { cut: 5n, shared: 7n })
    expect(paid).toEqual({ staked: 0n, burned: 0n, recycled: 12n })
  })

  test('of any epochs, stakes and takes, every unit is somewhere, and no coldkey has what another staked', () => {
    for (let seed = 0; seed < 25; seed++) {
      const below = belowFrom(seed + 1)
      const state = randomState(seed)
      const n = state.neurons.length
      const storage = subnet(spec, n, (uid) => (below(8) === 0 ? owner : coldkeys[uid % 4]!))
      const used = hotkeys.slice(0, n)
      for (const hotkey of used) storage.put(MODULE, 'delegates', [hotkey], below(11_797))
      for (let step = 0; step < 4; step++) {
        const hotkey = used[below(n)]!
        const coldkey = coldkeys[below(4)]!
        const before = coldkeys.map((one) => stakeOf(storage, NETUID, hotkey, one))
        const alpha = BigInt(1 + below(10 ** 9)) * BigInt(1 + below(10 ** 4))
        putStake(storage, NETUID, hotkey, coldkey, alpha)
        for (const [at, one] of coldkeys.entries()) {
          const more =
            stakeOf(storage, NETUID, hotkey, one) - before[at]! - (one === coldkey ? alpha : 0n)
          // Where shares are whole numbers, one is worth more with every epoch.
          if (spec === 424) expect(more >= -1n && more <= 1n, `seed ${seed}`).toBe(true)
        }
        if (below(2) === 0) {
          const has = stakeOf(storage, NETUID, hotkey, coldkey)
          takeStake(storage, NETUID, hotkey, coldkey, below(2) === 0 ? has : has / 3n)
        }
        const total = (): bigint => sum([...used, owner].map((one) => alphaOn(storage, one)))
        const [stakes, out] = [total(), storage.bigint(MODULE, 'subnetAlphaOut', NETUID)]
        const pending = { cut: BigInt(below(10 ** 9)), shared: BigInt(below(10 ** 9)) * 360n }
        const outcomes = runYuma({ ...state, block: state.block + step }, pending.shared)
        const paid = payOut(storage, NETUID, outcomes, pending)
        expect(paid.staked + paid.burned + paid.recycled).toBe(pending.cut + pending.shared)
        expect(paid.recycled).toBeGreaterThanOrEqual(0n)
        expect(total() - stakes).toBe(paid.staked)
        expect(storage.bigint(MODULE, 'subnetAlphaOut', NETUID) - out).toBe(
          paid.staked + paid.burned,
        )
        const paidTo = sum(outcomes.map((one) => one.minerEmission + one.validatorEmission))
        expect(paid.staked + paid.burned).toBe(pending.cut + paidTo)
      }
      for (const hotkey of used) {
        const parts = sum([...coldkeys, owner].map((one) => stakeOf(storage, NETUID, hotkey, one)))
        expect(parts).toBeLessThanOrEqual(alphaOn(storage, hotkey))
      }
    }
  })
})
