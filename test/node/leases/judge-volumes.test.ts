import { expect, test } from 'vitest'
import { codeOf } from '../../../src/errors.ts'
import {
  judgeVolumes,
  type VolumeInUse,
  type VolumeSide,
} from '../../../src/node/leases/judge-volumes.ts'
import type { HostedVolume, VolumePolicy } from '../../../src/node/leases/volume-records.ts'

const policy: VolumePolicy = {
  totalMiB: 1000,
  maxPerRenter: 2,
  maxMiBPerRenter: 500,
  defaultMiB: 100,
  ttlMs: 1000,
}
const kept = (changes: Partial<HostedVolume> = {}): HostedVolume => ({
  id: 'a'.repeat(32),
  renter: 'alice',
  name: 'data',
  sizeMiB: 200,
  createdAtMs: 0,
  usedAtMs: 0,
  ...changes,
})
const used = (changes: Partial<VolumeInUse> = {}): VolumeInUse => ({
  renter: 'alice',
  name: 'data',
  path: '/data',
  sizeMiB: 200,
  ...changes,
})
const judge = (side: Partial<VolumeSide>, renter: string, ...asked: object[]) =>
  judgeVolumes(
    { policy, kept: [], inUse: [], ...side },
    renter,
    asked.map((one) => ({ name: 'data', path: '/data', ...one })),
  )
const code = (...args: Parameters<typeof judge>): string => {
  try {
    judge(...args)
    return 'granted'
  } catch (error) {
    return codeOf(error)
  }
}

test('a new one gets what is asked for, or what the miner gives', () => {
  expect(judge({}, 'alice', {})).toEqual([{ name: 'data', path: '/data', sizeMiB: 100 }])
  expect(judge({}, 'alice', { sizeMiB: 300 })[0]!.sizeMiB).toBe(300)
})

test('one that is there keeps its size', () => {
  expect(judge({ kept: [kept()] }, 'alice', {})[0]!.sizeMiB).toBe(200)
  expect(code({ kept: [kept()] }, 'alice', { sizeMiB: 300 })).toBe('REFUSED_VOLUME')
})

test("another renter's of the same name is neither given nor told", () => {
  const full = kept({ usedBytes: 2 ** 40 })
  const side = { kept: [full], inUse: [used()] }
  expect(judge(side, 'bob', {})).toEqual([{ name: 'data', path: '/data', sizeMiB: 100 }])
  expect(code(side, 'bob', { readOnly: true })).toBe('REFUSED_VOLUME')
})

test.each([
  ['one writes, another asks to write', used(), {}, 'REFUSED_VOLUME_BUSY'],
  ['one writes, another asks to read', used(), { readOnly: true }, 'granted'],
  ['one reads, another asks to write', used({ readOnly: true }), {}, 'granted'],
])('%s: %o', (_, use, ask, expected) => {
  expect(code({ kept: [kept()], inUse: [use] }, 'alice', ask)).toBe(expected)
})

test('two quotes for one that is not there yet', () => {
  expect(code({ inUse: [used({ sizeMiB: 100 })] }, 'alice', {})).toBe('REFUSED_VOLUME_BUSY')
})

test('a full one that is only measured can be read; one that the storage holds can be written', () => {
  const full = { usedBytes: 201 * 1024 * 1024 }
  expect(code({ kept: [kept(full)] }, 'alice', {})).toBe('REFUSED_VOLUME')
  expect(code({ kept: [kept(full)] }, 'alice', { readOnly: true })).toBe('granted')
  expect(code({ kept: [kept({ ...full, enforced: true })] }, 'alice', {})).toBe('granted')
})

test.each([
  [
    'too many',
    {},
    [
      { name: 'a', path: '/a' },
      { name: 'b', path: '/b' },
      { name: 'c', path: '/c' },
    ],
  ],
  ['too large', {}, [{ sizeMiB: 501 }]],
  ['too large with what is kept', { kept: [kept({ name: 'old', sizeMiB: 450 })] }, [{}]],
  [
    'too large with what is quoted to others',
    { inUse: [used({ renter: 'bob', sizeMiB: 950 })] },
    [{}],
  ],
  ['of a miner that keeps none', { policy: { ...policy, totalMiB: 0 } }, [{}]],
])('%s', (_, side, asked) => {
  expect(code(side, 'alice', ...asked)).toBe('REFUSED_VOLUME')
})

test('what others keep counts for the miner, not for the renter', () => {
  expect(code({ kept: [kept({ renter: 'bob', sizeMiB: 850 })] }, 'alice', {})).toBe('granted')
})
