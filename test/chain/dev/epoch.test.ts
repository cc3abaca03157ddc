import { describe, expect, test } from 'vitest'
import { putSubnet } from '../../../src/chain/dev/calls/subnet.ts'
import { stepEpochs } from '../../../src/chain/dev/epoch.ts'
import { Runtime } from '../../../src/chain/dev/runtime.ts'
import { Storage } from '../../../src/chain/dev/storage.ts'
import { VersionedState } from '../../../src/chain/dev/versioned-state.ts'
import { readYumaState } from '../../../src/chain/dev/yuma-state.ts'
import { keyFromSeed } from '../../../src/chain/keys.ts'

const MODULE = 'subtensorModule'
const NETUID = 1
const TAO = 1_000_000_000n
const hotkeys = [1, 2, 3].map((n) => keyFromSeed('sr25519', new Uint8Array(32).fill(n)).address)

/** A subnet with two staked validators and a miner that came in block 40. */
function subnet(spec: 218 | 424): Storage {
  const storage = new Storage(new Runtime(spec), new VersionedState(0, [], 1000))
  putSubnet(storage, NETUID, hotkeys[0]!, { tempo: 10, activityCutoff: 5000, pool: TAO })
  const put = (name: string, keys: unknown[], value: unknown) =>
    storage.put(MODULE, name, keys, value)
  put('subnetworkN', [NETUID], 3)
  put('subnetOwnerHotkey', [NETUID], hotkeys[2])
  for (const [uid, hotkey] of hotkeys.entries()) {
    put('keys', [NETUID, uid], hotkey)
    put('uids', [NETUID, hotkey], uid)
    put('blockAtRegistration', [NETUID, uid], uid === 2 ? 40 : 0)
    put('totalHotkeyAlpha', [hotkey, NETUID], [3n, 1n, 0n][uid]! * TAO)
  }
  put('lastUpdate', [NETUID], [45, 45, 40])
  put('validatorPermit', [NETUID], [true, true, false])
  for (const uid of [0, 1]) put('weights', [NETUID, uid], [[2, 65_535]])
  return storage
}

describe.each([218, 424] as const)('an epoch of spec %d', (spec) => {
  const column = (storage: Storage, name: string): unknown => storage.json(MODULE, name, NETUID)

  test('writes what Yuma decides, over the alpha of the blocks since the last one', () => {
    const storage = subnet(spec)
    const fires = spec === 424 ? 50 : 53 // the first block by number that is a multiple of 11, less 2
    for (let block = 44; block <= fires; block++) {
      const before = storage.number(MODULE, 'blocksSinceLastStep', NETUID)
      if (spec === 424 && block === 44) storage.put(MODULE, 'lastEpochBlock', [NETUID], 40)
      stepEpochs(storage, [NETUID], block)
      expect(storage.number(MODULE, 'blocksSinceLastStep', NETUID)).toBe(
        block === fires ? 0 : before + 1,
      )
    }
    expect(column(storage, 'incentive')).toEqual([0, 0, 65_535])
    expect(column(storage, 'dividends')).toEqual([49_151, 16_383, 0])
    expect(column(storage, 'validatorTrust')).toEqual([65_535, 65_535, 0])
    expect(column(storage, 'validatorPermit')).toEqual([true, true, true]) // the owner has a seat
    expect(storage.json(MODULE, 'bonds', NETUID, 0)).toEqual([[2, 65_535]])
    const cut = (TAO * (spec === 424 ? 11_796n : 5898n)) / 65_535n
    const emitted = BigInt(fires - 43) * (TAO - cut)
    expect(BigInt((column(storage, 'emission') as number[])[2]!)).toBe(emitted / 2n)
    expect(storage.number(MODULE, 'lastMechansimStepBlock', NETUID)).toBe(fires)
  })

  test('sees hyperparameters and the oldest open commit', () => {
    const storage = subnet(spec)
    storage.put(MODULE, 'commitRevealWeightsEnabled', [NETUID], true)
    storage.put(MODULE, 'kappa', [NETUID], 40_000)
    storage.put(MODULE, 'liquidAlphaOn', [NETUID], true)
    const hash = `0x${'11'.repeat(32)}`
    // Spec 218 says when a commit ends, spec 424 in which epoch it was made: here the second stands open.
    const commits =
      spec === 218
        ? [
            [hash, 30, 31, 49],
            [hash, 38, 41, 60],
          ]
        : [
            [hash, 3, 30, 0],
            [hash, 5, 38, 0],
          ]
    storage.put(MODULE, 'weightCommits', [NETUID, hotkeys[0]], commits)
    if (spec === 424) storage.put(MODULE, 'subnetEpochIndex', [NETUID], 5)
    const { parameters, neurons, ownerUid, weights } = readYumaState(storage, NETUID, 50)
    expect(parameters).toMatchObject({
      kappa: 40_000,
      yuma3: false,
      commitReveal: true,
      bondsPenalty: 65_535,
      bondsMovingAverage: spec === 424 ? 900_000 : 990_000,
      liquidAlpha: { low: 45_875, high: 58_982, steepness: 1000 },
    })
    expect(neurons.map(({ committedAt }) => committedAt)).toEqual([38, undefined, undefined])
    expect([ownerUid, weights[1]]).toEqual([2, [[2, 65_535]]])
    stepEpochs(storage, [NETUID], 53)
    expect(column(storage, 'incentive')).toEqual([0, 0, 0]) // the commit is older than the miner
  })
})
