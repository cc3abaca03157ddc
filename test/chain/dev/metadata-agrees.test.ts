// Does the hand-written table agree with the real runtime metadata? The real blobs are not part of the project: they lie
// in a folder beside the checkout (or where SUBTENSOR_METADATA says), and without them the comparison is skipped, which
// continuous integration forbids. The golden test beside this one still holds the table to recorded bytes.
import { u8aConcat, u8aToHex } from '@polkadot/util'
import { cryptoWaitReady } from '@polkadot/util-crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { buildMetadata } from '../../../src/chain/dev/metadata/build.ts'
import { subset } from '../../../src/chain/dev/metadata/subset.ts'
import {
  hasRealMetadata,
  hasRealTraces,
  realMetadata,
  recordedSteps,
} from '../../support/real-runtime.ts'
import { requireOrSkip } from '../../support/skips.ts'
import { differences } from './metadata-differences.ts'
import {
  load,
  plainValue,
  Random,
  type Runtime,
  sample,
  signed,
  storageKeys,
  valueType,
} from './metadata-samples.ts'

const SAMPLES = 25

beforeAll(async () => {
  await cryptoWaitReady()
})

describe.each([218, 424] as const)('spec %d', (spec) => {
  const available = requireOrSkip(hasRealMetadata(spec), `real metadata of spec ${spec}`)
  describe.skipIf(!available)('and the real metadata', () => {
    let ours: Runtime
    let real: Runtime
    beforeAll(() => {
      ours = load(buildMetadata(subset, spec))
      real = load(realMetadata(spec))
    })

    test('every call encodes to the same bytes', () => {
      let compared = 0
      for (const [section, methods] of Object.entries(ours.tx)) {
        for (const [method, make] of Object.entries(methods)) {
          const realMake = real.tx[section]?.[method]
          expect(realMake, `${section}.${method}`).toBeDefined()
          expect(u8aToHex(make.callIndex), `${section}.${method}`).toBe(
            u8aToHex(realMake!.callIndex),
          )
          const names = (runtime: typeof make) => runtime.meta.args.map(({ name }) => String(name))
          expect(names(make)).toEqual(names(realMake!))
          for (let seed = 0; seed < SAMPLES; seed++) {
            const random = new Random(`${spec}${section}${method}${seed}`)
            const fields = make.meta.fields.map(({ type }) =>
              sample(ours, type.toNumber(), random, 0),
            )
            const bytes = u8aConcat(make.callIndex, ...fields)
            const ourCall = ours.registry.createType('Call', bytes)
            const realCall = real.registry.createType('Call', bytes)
            expect([ourCall.toHex(), realCall.toHex()]).toEqual([u8aToHex(bytes), u8aToHex(bytes)])
            const values = ourCall.args.map(plainValue)
            expect(realCall.args.map(plainValue)).toEqual(values)
            expect(make(...values).toHex()).toBe(u8aToHex(bytes))
            expect(realMake!(...values).toHex()).toBe(u8aToHex(bytes))
            compared++
          }
        }
      }
      expect(compared).toBeGreaterThan(700)
    })

    test('every storage key, default and value shape is the same', () => {
      for (const [section, items] of Object.entries(ours.query)) {
        if (section === 'substrate') continue
        for (const [name, entry] of Object.entries(items)) {
          const where = `${section}.${name}`
          const realEntry = real.query[section]?.[name]
          expect(realEntry, where).toBeDefined()
          for (let seed = 0; seed < SAMPLES; seed++) {
            const keys = storageKeys(ours, entry, new Random(`${spec}${where}${seed}`))
            expect(u8aToHex(entry(...keys)), where).toBe(u8aToHex(realEntry!(...keys)))
          }
          expect(String(entry.meta.modifier), where).toBe(String(realEntry!.meta.modifier))
          expect(entry.meta.fallback.toHex(), where).toBe(realEntry!.meta.fallback.toHex())
          expect(differences(ours, valueType(entry), real, valueType(realEntry!), where)).toEqual(
            [],
          )
        }
      }
    })

    test('events, errors and constants are the same', () => {
      for (const [name, pallet] of ours.pallets) {
        const realPallet = real.pallets.get(name)!
        expect(pallet.index.toNumber(), name).toBe(realPallet.index.toNumber())
        for (const kind of ['calls', 'events', 'errors'] as const) {
          if (pallet[kind].isNone) continue
          const [a, b] = [pallet, realPallet].map((one) => one[kind].unwrap().type.toNumber())
          expect(differences(ours, a!, real, b!, `${name} ${kind}`)).toEqual([])
        }
        for (const constant of pallet.constants) {
          const same = realPallet.constants.find((other) => other.name.eq(constant.name))!
          const where = `${name}.${constant.name}`
          const [a, b] = [constant.type.toNumber(), same.type.toNumber()]
          expect(differences(ours, a, real, b, where)).toEqual([])
          if (String(constant.name) !== 'Version')
            expect(constant.value.toHex(), where).toBe(same.value.toHex())
        }
      }
    })

    test('a signed transaction is the same, mortal and immortal', () => {
      for (const era of ['0x00', { current: 1000, period: 64 }])
        expect(signed(ours, spec, era)).toBe(signed(real, spec, era))
    })

    test('the signed extensions and transaction parameters are the same', () => {
      const extensions = ({ metadata }: Runtime) =>
        metadata.asLatest.extrinsic.transactionExtensions
      const names = (runtime: Runtime) => extensions(runtime).map((one) => String(one.identifier))
      expect(names(ours)).toEqual(names(real))
      const pairs = extensions(ours).map(
        (one, at) => [one.type, extensions(real)[at]!.type] as const,
      )
      const { addressType, signatureType } = ours.metadata.asLatest.extrinsic
      const realParameters = real.metadata.asLatest.extrinsic
      pairs.push([addressType, realParameters.addressType])
      pairs.push([signatureType, realParameters.signatureType])
      for (const [a, b] of pairs)
        expect(differences(ours, a.toNumber(), real, b.toNumber(), 'extrinsic')).toEqual([])
      expect(additionalSigned(ours)).toHaveLength(additionalSigned(real).length)
      additionalSigned(ours).forEach((type, at) => {
        const where = `additional ${at}`
        expect(differences(ours, type, real, additionalSigned(real)[at]!, where)).toEqual([])
      })
    })
  })
})

const haveTraces = requireOrSkip(hasRealTraces(), 'recorded calls of the real 218')

test.skipIf(!haveTraces)('calls recorded on the real 218 decode and encode unchanged', () => {
  const ours = load(buildMetadata(subset, 218))
  const steps = recordedSteps()
  let same = 0
  for (const { call, method: name } of steps) {
    const [section, method] = name.split('.') as [string, string]
    if (call === undefined || ours.tx[section]?.[method] === undefined) continue
    expect(ours.registry.createType('Call', call).toHex(), name).toBe(call)
    same++
  }
  expect(same).toBeGreaterThan(50)
})

/** polkadot.js loses this on the way from V14 to its latest form, so it is read from the version that was served. */
function additionalSigned({ metadata }: Runtime): number[] {
  return metadata.version === 14
    ? metadata.asV14.extrinsic.signedExtensions.map((one) => one.additionalSigned.toNumber())
    : metadata.asLatest.extrinsic.transactionExtensions.map((one) => one.implicit.toNumber())
}
