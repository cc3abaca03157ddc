// What the adapter names, looked up in its source, under the metadata of both real runtimes.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { u8aConcat, u8aToHex } from '@polkadot/util'
import { cryptoWaitReady } from '@polkadot/util-crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import type { ChainFeatures } from '../../src/chain/chain.ts'
import { sharesFrom } from '../../src/chain/subtensor/read-nominators.ts'
import {
  hasRealMetadata,
  hasRealTraces,
  realMetadata,
  recordedSteps,
} from '../support/real-runtime.ts'
import { requireOrSkip } from '../support/skips.ts'
import { differences } from './dev/metadata-differences.ts'
import {
  load,
  plainValue,
  Random,
  type Runtime,
  sample,
  storageKeys,
  valueType,
} from './dev/metadata-samples.ts'

const src = join(import.meta.dirname, '../../src/chain')
const source = globSync('subtensor{.ts,/*.ts}', { cwd: src })
  .map((file) => readFileSync(join(src, file), 'utf8'))
  .join('\n')
  .replaceAll(/(kind:|case|===) '\w+'/g, '') // words of this program's own

const PALLETS = ['subtensorModule', 'commitments', 'balances', 'system', 'drand'] as const
const SAMPLES = 10

/** Events are another enum in every runtime; 218 keeps the weight of TAO per subnet, which its reader looks at. */
const SHARES = ['alpha', 'alphaV2', 'totalHotkeyShares', 'totalHotkeySharesV2', 'stake']
const DIFFERENT = ['events', 'taoWeight', ...SHARES]

/** What only one runtime has, and the feature by which the adapter knows of it. */
const GATED: Readonly<Record<string, keyof ChainFeatures>> = {
  subnetEpochIndex: 'statefulEpochs',
  lastEpochBlock: 'statefulEpochs',
  pendingEpochAt: 'statefulEpochs',
  mechanismCountCurrent: 'mechanisms',
  timelockedWeightCommits: 'timelock',
  commitRevealWeightsVersion: 'timelock',
  commitTimelockedWeights: 'timelock',
  beaconConfig: 'timelock',
  lastStoredRound: 'timelock',
  commitTimelockedMechanismWeights: 'timelock',
  setMechanismWeights: 'mechanisms',
  commitMechanismWeights: 'mechanisms',
  revealMechanismWeights: 'mechanisms',
  stakeThreshold: 'stakeThreshold',
  weightsMinStake: 'stakeThreshold',
}

const typeOf = (runtime: Runtime, name: string): string =>
  `Lookup${valueType(runtime.query['subtensorModule']![name]!)}`

/** Names that stand quoted in the adapter's source. */
const named = (items: Readonly<Record<string, unknown>> | undefined): string[] =>
  Object.keys(items ?? {}).filter((name) => source.includes(`'${name}'`))

const available =
  requireOrSkip(hasRealMetadata(218) && hasRealMetadata(424), 'real metadata of both runtimes') &&
  requireOrSkip(hasRealTraces(), 'recorded calls of the real 218')

describe.skipIf(!available)('what the adapter uses', () => {
  let older: Runtime
  let newer: Runtime
  beforeAll(async () => {
    await cryptoWaitReady()
    older = load(realMetadata(218))
    newer = load(realMetadata(424))
  })

  const used = (kind: 'tx' | 'query') =>
    PALLETS.flatMap((pallet) => named(newer[kind][pallet]).map((name) => ({ pallet, name })))

  test('every call that both runtimes have has the same bytes in both', () => {
    const found: string[] = []
    for (const { pallet, name } of used('tx')) {
      const [old, now] = [older.tx[pallet]?.[name], newer.tx[pallet]![name]!]
      if (old === undefined) continue
      found.push(name)
      for (let seed = 0; seed < SAMPLES; seed++) {
        const random = new Random(`${name}${seed}`)
        const fields = old.meta.fields.map(({ type }) => sample(older, type.toNumber(), random, 0))
        const bytes = u8aToHex(u8aConcat(old.callIndex, ...fields))
        const values = newer.registry.createType('Call', bytes).args.map(plainValue)
        expect([old(...values).toHex(), now(...values).toHex()], name).toEqual([bytes, bytes])
      }
    }
    expect(found).toEqual(
      expect.arrayContaining([
        ...['burnedRegister', 'addStake', 'setWeights', 'commitWeights', 'revealWeights'],
        ...['setCommitment', 'transferKeepAlive'],
      ]),
    )
  })

  test('calls the real 218 took or refused are read and made anew by both without a change', () => {
    const steps = recordedSteps().filter(({ method }) => named({ [method.split('.')[1]!]: 0 })[0])
    for (const { call, method } of steps) {
      const [pallet, name] = method.split('.') as [string, string]
      for (const runtime of [older, newer]) {
        const values = runtime.registry.createType('Call', call).args.map(plainValue)
        expect(runtime.tx[pallet]![name]!(...values).toHex(), method).toBe(call)
      }
    }
    expect(steps.length).toBeGreaterThan(30)
  })

  test('every storage entry that both have has the same keys and values in both', () => {
    const found: string[] = []
    for (const { pallet, name } of used('query')) {
      const [old, now] = [older.query[pallet]?.[name], newer.query[pallet]![name]!]
      if (old === undefined || DIFFERENT.includes(name)) continue
      found.push(name)
      const keys = storageKeys(older, old, new Random(name))
      expect(u8aToHex(old(...keys)), name).toBe(u8aToHex(now(...keys)))
      expect(differences(older, valueType(old), newer, valueType(now), name), name).toEqual([])
    }
    expect(found.length).toBeGreaterThan(15)
  })

  test('what only one of them has is looked for before it is used', () => {
    const only = (a: Runtime, b: Runtime, kind: 'tx' | 'query') =>
      PALLETS.flatMap((pallet) =>
        named(a[kind][pallet]).filter((name) => b[kind][pallet]?.[name] === undefined),
      )
    const kinds = ['tx', 'query'] as const
    const once = kinds.flatMap((kind) => [...only(older, newer, kind), ...only(newer, older, kind)])
    expect(once).toContain('subnetEpochIndex')
    const unasked = once.filter(
      (name) =>
        GATED[name] === undefined &&
        !new RegExp(`(maybe|numberFrom|isOn|maybeCall)\\((at|api), '${name}'`).test(source),
    )
    expect(unasked).toEqual([])
  })

  test('shares of stake, whose type changed, are decoded in one file, which knows all formats', () => {
    const file = join(src, 'subtensor/read-nominators.ts')
    const others = source.replace(readFileSync(file, 'utf8'), '')
    for (const name of SHARES) expect(others).not.toContain(`'${name}'`)
    for (const [runtime, format] of [
      [older, 'u64'],
      [newer, 'bits'],
    ] as const)
      for (const name of ['alpha', 'totalHotkeyShares'])
        expect(
          String(runtime.registry.createType(typeOf(runtime, name))).includes('bits')
            ? 'bits'
            : 'u64',
        ).toBe(format)
    const float = { mantissa: 1_500_000, exponent: -6 }
    const half = (3n * 10n ** 24n) / 2n
    const decoded = newer.registry.createType(typeOf(newer, 'alphaV2'), float)
    expect(sharesFrom(decoded)).toBe(half)
    const fixed = newer.registry.createType(typeOf(newer, 'alpha'), { bits: (3n << 64n) / 2n })
    expect(sharesFrom(fixed)).toBe(half)
    const whole = older.registry.createType(typeOf(older, 'alpha'), 3)
    expect(sharesFrom(whole)).toBe(3n * 10n ** 24n)
  })
})
