// Timelocked weights on the dev chain: taken, refused and revealed as the runtime of spec 424 does.
import type { DispatchError, EventRecord } from '@polkadot/types/interfaces'
import { beforeEach, expect, test } from 'vitest'
import { executeBlock } from '../../../src/chain/dev/block-author.ts'
import { putSubnet } from '../../../src/chain/dev/calls/subnet.ts'
import { roundsToStore } from '../../../src/chain/dev/drand-pallet.ts'
import type { SignedExtrinsic } from '../../../src/chain/dev/extrinsics.ts'
import { assertPoolTakes } from '../../../src/chain/dev/pool-guard.ts'
import { PulseSource } from '../../../src/chain/dev/pulses.ts'
import { Runtime } from '../../../src/chain/dev/runtime.ts'
import { Storage } from '../../../src/chain/dev/storage.ts'
import { VersionedState } from '../../../src/chain/dev/versioned-state.ts'
import { readYumaState } from '../../../src/chain/dev/yuma-state.ts'
import { toHex } from '../../../src/chain/hex.ts'
import { keyFromSeed } from '../../../src/chain/keys.ts'
import { MAX_TIMELOCKED_BYTES, timelock } from '../../../src/chain/timelock.ts'
import { timelockPayload } from '../../../src/chain/timelock-weights.ts'
import { silent } from '../../../src/log.ts'

const MODULE = 'subtensorModule'
const TAO = 1_000_000_000n
const TEMPO = 10
const BLOCK_MS = 1000
const keys = [1, 2].map((n) => keyFromSeed('sr25519', new Uint8Array(32).fill(n)))
const [me, other] = [keys[0]!, keys[1]!]
const ROW = [[1, 65_535]] as const
const runtime = new Runtime(424)
const origin = { spec: 424, seed: 'ab', beaconGenesisMs: 0, beaconPeriodMs: 1000 } as const

/** A chain whose block n is made at second n, when round n + 1 of its beacon comes. */
class Chain {
  readonly state = new VersionedState(0, [], 1000)
  readonly storage = new Storage(runtime, this.state)
  readonly pulses = new PulseSource(origin, () => this.block * BLOCK_MS)
  readonly faults: unknown[] = []
  block = 0

  constructor(netuids = [1]) {
    const put = (name: string, at: unknown[], value: unknown) =>
      this.storage.put(MODULE, name, at, value)
    for (const netuid of netuids) {
      putSubnet(this.storage, netuid, me.address, { tempo: TEMPO, minAllowedWeights: 1, pool: TAO })
      put('subnetworkN', [netuid], keys.length)
      put('weightsSetRateLimit', [netuid], 0)
      put('validatorPermit', [netuid], [true, true])
      for (const [uid, { address }] of keys.entries()) {
        put('keys', [netuid, uid], address)
        put('uids', [netuid, address], uid)
        put('totalHotkeyAlpha', [address, netuid], TAO)
      }
    }
    this.#apply()
  }

  #apply(): void {
    this.state.apply(this.block, this.storage.take())
  }

  /** Makes blocks up to a number; the last takes the calls. Gives names of its events, and errors by call. */
  to(block: number, calls: readonly (readonly [string, ...unknown[]])[] = [], signer = me) {
    while (this.block < block) {
      this.block++
      const now = this.block === block ? calls : []
      const transactions = now.map(([method, ...args]) => {
        const call = runtime.registry.createType('Call', callOf(method, args))
        return { signer: signer.address, extrinsic: { method: call } } as unknown as SignedExtrinsic
      })
      const place = {
        number: this.block,
        parentHash: `0x${'00'.repeat(32)}`,
        timeMs: this.block * BLOCK_MS,
        netuids: this.storage.subnets(),
        pulses: this.pulses,
      }
      const log = { ...silent, error: (_: string, error: unknown) => this.faults.push(error) }
      executeBlock(this.storage, place, transactions, log)
      this.#apply()
    }
    expect(this.faults).toEqual([])
    const records = [...(this.storage.codec('system', 'events') as unknown as EventRecord[])]
    return {
      begun: records.filter(({ phase }) => phase.isInitialization).map(nameOf),
      events: records.map(nameOf),
      errors: records
        .filter(({ event }) => event.method === 'ExtrinsicFailed')
        .map(({ event }) => errorOf(event.data[0] as unknown as DispatchError)),
    }
  }

  row = (uid: number, netuid = 1): unknown => this.storage.json(MODULE, 'weights', netuid, uid)
  left = (epoch: number, netuid = 1): number =>
    this.storage.json<unknown[]>(MODULE, 'timelockedWeightCommits', netuid, epoch).length
}

const nameOf = ({ event }: EventRecord): string => event.method
const errorOf = (error: DispatchError): string =>
  error.isModule ? runtime.registry.findMetaError(error.asModule).name : error.toString()

/** Call bytes by the metadata's own order of arguments. */
function callOf(method: string, args: unknown[]): Uint8Array {
  const { index, fields } = calls.get(method)!
  const parts = fields.map((type, at) =>
    runtime.registry.createTypeUnsafe(type, [args[at]]).toU8a(),
  )
  return Buffer.concat([Uint8Array.of(7, index), ...parts])
}

const calls = new Map([
  ['timelocked', { index: 113, fields: ['u16', 'Bytes', 'u64', 'u16'] }],
  ['ofMechanism', { index: 118, fields: ['u16', 'u8', 'Bytes', 'u64', 'u16'] }],
])

function sealed(chain: Chain, round: number, { hotkey = me, row = ROW as never } = {}): string {
  const plain = timelockPayload(hotkey.publicKey, row, 0)
  return toHex(timelock(plain, round, chain.pulses.beacon.publicKey))
}
const commit = (chain: Chain, round: number, as = {}) =>
  ['timelocked', 1, sealed(chain, round, as), round, 4] as const

let chain: Chain
beforeEach(() => {
  chain = new Chain()
})

test('what is committed in an epoch opens in the next, in the block after its pulse came', () => {
  // Epochs start at blocks 10, 20, 30: the commit stands in epoch 1, and opens in epoch 2.
  const { events, errors } = chain.to(12, [commit(chain, 24)])
  expect(errors).toEqual([])
  expect(events).toContain('TimelockedWeightsCommitted')
  expect(chain.left(1)).toBe(1)
  expect(chain.storage.json(MODULE, 'lastUpdate', 1)).toEqual([12])
  chain.to(23) // made at second 23, when round 24 comes
  expect(chain.storage.number('drand', 'lastStoredRound')).toBe(24)
  expect(chain.row(0)).toEqual([])
  expect(chain.to(24).begun).toEqual(['WeightsSet', 'TimelockedWeightsRevealed'])
  expect(chain.row(0)).toEqual([[1, 65_535]])
  expect(chain.left(1)).toBe(0)
  expect(chain.storage.json(MODULE, 'lastUpdate', 1)).toEqual([12]) // the commit counts, not the reveal
})

test('a pulse that is there before the epoch opens them as it starts, before its Yuma', () => {
  chain.to(12, [commit(chain, 15)])
  expect(chain.to(19).begun).toEqual([])
  expect(chain.to(20).begun).toContain('TimelockedWeightsRevealed')
})

test('a reveal period of two epochs', () => {
  chain.storage.put(MODULE, 'revealPeriodEpochs', [1], 2)
  chain.to(12, [commit(chain, 15)])
  expect(chain.to(29).begun).toEqual([])
  expect(chain.to(30).begun).toContain('TimelockedWeightsRevealed')
})

test('a pulse that comes after the reveal epoch, and what does not open, are dropped without a word', () => {
  const foreign = ['timelocked', 1, sealed(chain, 22, { hotkey: other }), 22, 4] as const
  const wrongRound = ['timelocked', 1, sealed(chain, 23), 22, 4] as const
  const noRow = commit(chain, 22, { row: [[9, 1]] })
  const rubbish = ['timelocked', 1, '0x0102', 22, 4] as const
  const late = commit(chain, 40)
  const { errors } = chain.to(12, [foreign, wrongRound, noRow, rubbish, late])
  expect(errors).toEqual([])
  chain.to(22)
  expect(chain.left(1)).toBe(1) // the late one still waits
  expect(chain.to(29).events).toEqual([])
  expect(chain.left(1)).toBe(1)
  chain.to(30)
  expect(chain.left(1)).toBe(0)
  chain.to(45)
  expect([chain.row(0), chain.row(1)]).toEqual([[], []])
})

test('misuse is refused in the order of the runtime, each in its turn', () => {
  const put = (name: string, value: unknown, ...at: unknown[]) =>
    chain.storage.put(MODULE, name, at, value)
  const stranger = keyFromSeed('sr25519', new Uint8Array(32).fill(9))
  const bytes = sealed(chain, 30)
  const refused = (round: number, version: number, signer = me) =>
    chain.to(chain.block + 1, [['timelocked', 1, bytes, round, version]], signer).errors
  chain.to(12)
  put('commitRevealWeightsEnabled', false, 1)
  put('weightsSetRateLimit', 5, 1)
  expect(refused(3, 3, stranger)).toEqual(['InvalidRevealRound'])
  expect(refused(30, 3, stranger)).toEqual(['CommitRevealDisabled'])
  put('commitRevealWeightsEnabled', true, 1)
  expect(refused(30, 3, stranger)).toEqual(['IncorrectCommitRevealVersion'])
  expect(refused(30, 4, stranger)).toEqual(['HotKeyNotRegisteredInSubNet'])
  expect(refused(30, 4)).toEqual([])
  expect(refused(30, 4)).toEqual(['CommittingWeightsTooFast'])
  put('weightsSetRateLimit', 0, 1)
  const ofMechanism = (mechanism: number) =>
    chain.to(chain.block + 1, [['ofMechanism', 1, mechanism, bytes, 30, 4]]).errors
  expect(ofMechanism(1)).toEqual(['MechanismDoesNotExist'])
  chain.to(21)
  expect(ofMechanism(0)).toEqual([])
  expect(chain.left(2)).toBe(1)
  chain.to(23, Array(9).fill(['timelocked', 1, bytes, 30, 4]))
  expect(refused(30, 4)).toEqual(['TooManyUnrevealedCommits'])
  expect(chain.left(2)).toBe(10)
  expect(refused(30, 4, other)).toEqual([]) // each has its own ten
})

test('the pool refuses little stake, a round that is known, and more bytes than a commit may have', () => {
  chain.to(12)
  const take = (args: unknown[], signer = me) => {
    const method = runtime.registry.createType('Call', callOf('timelocked', args))
    assertPoolTakes(chain.storage, {
      signer: signer.address,
      extrinsic: { method } as unknown as SignedExtrinsic['extrinsic'],
    })
  }
  chain.storage.put(MODULE, 'stakeThreshold', [], TAO)
  const round = chain.storage.number('drand', 'lastStoredRound')
  expect(() => take([1, '0x01', round, 4])).not.toThrow()
  const pool = (custom: number) =>
    expect.objectContaining({ data: JSON.stringify({ invalid: { custom } }) })
  expect(() => take([1, '0x01', round - 1, 4])).toThrow(pool(15))
  const long = toHex(new Uint8Array(MAX_TIMELOCKED_BYTES + 1))
  expect(() => take([1, long, round, 4])).toThrow('cannot be decoded')
  chain.storage.put(MODULE, 'stakeThreshold', [], 1_000n * TAO) // epochs add to what was staked
  expect(() => take([1, '0x01', round, 4])).toThrow(pool(1))
})

test('a subnet whose epoch is put off, for only two have theirs in one block, opens them when it starts', () => {
  chain = new Chain([1, 2, 3])
  const bytes = sealed(chain, 15)
  chain.to(12, [['timelocked', 3, bytes, 15, 4]])
  const epochs = () =>
    [1, 2, 3].map((netuid) => chain.storage.number(MODULE, 'subnetEpochIndex', netuid))
  expect(epochs()).toEqual([1, 1, 1]) // the third had its first in block 11
  chain.to(20)
  expect(epochs()).toEqual([2, 2, 1])
  expect(chain.to(21).begun).toContain('TimelockedWeightsRevealed')
  expect(epochs()).toEqual([2, 2, 2])
  // Two tenths of blocks apart now, none is put off any more.
  chain.to(30)
  expect(epochs()).toEqual([3, 3, 2])
  expect(chain.to(31).begun).toEqual([])
  expect(epochs()).toEqual([3, 3, 3])
})

test('an epoch sees who has weights under way, hashed or timelocked, since when', () => {
  chain.to(12, [commit(chain, 60)])
  chain.to(14, [commit(chain, 60)])
  expect(readYumaState(chain.storage, 1, 20).neurons.map(({ committedAt }) => committedAt)).toEqual(
    [12, undefined],
  )
  chain.to(21)
  expect(readYumaState(chain.storage, 1, 30).neurons[0]!.committedAt).toBeUndefined()
})

test('a block stores the rounds since the last, after a long stop the newest and those that commits wait for', () => {
  expect(roundsToStore(0, 1, [])).toEqual([1])
  expect(roundsToStore(5, 8, [7, 99])).toEqual([6, 7, 8])
  expect(roundsToStore(5, 100, [3, 40, 40, 20, 101])).toEqual([
    20, 40, 93, 94, 95, 96, 97, 98, 99, 100,
  ])
})
