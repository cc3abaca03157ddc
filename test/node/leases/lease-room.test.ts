import { expect, test } from 'vitest'
import { hostWith, leaseRoom } from '../../../src/node/leases/lease-room.ts'
import { GiB } from '../../../src/units.ts'
import { freshKey, offerOf } from '../../support/lease-market.ts'

const big = { ramMiB: 65_536, cpuCores: 64, devices: 8 }

test.each([
  ['one device: all but an eighth', undefined, { ...big, devices: 1 }, 1, 57_344, 64_000],
  ['one of eight: an eighth of that', undefined, big, 1, 7168, 8000],
  ['three of eight: three eighths of it', undefined, big, 3, 21_504, 24_000],
  ['all of eight: all of it', undefined, big, 8, 57_344, 64_000],
  ['never more than all', undefined, big, 9, 57_344, 64_000],
  [
    'a small machine keeps a GiB',
    undefined,
    { ramMiB: 4096, cpuCores: 2, devices: 1 },
    1,
    3072,
    2000,
  ],
  ['a tiny one keeps half', undefined, { ramMiB: 1024, cpuCores: 2, devices: 1 }, 1, 512, 2000],
  ['a machine without devices', undefined, { ...big, devices: 0 }, 1, 57_344, 64_000],
  ['cores in parts', undefined, { ...big, cpuCores: 12 }, 1, 7168, 1500],
  ['never less than terms can say', undefined, { ...big, cpuCores: 0 }, 1, 7168, 100],
  ['what its owner said, however many', 2 * GiB, big, 1, 2048, 8000],
  ['the same for all', 2 * GiB, big, 8, 2048, 64_000],
  ['never more than there is', 100 * GiB, { ...big, devices: 1 }, 1, 65_536, 64_000],
])('%s', (_, asked, machine, leased, memoryMiB, milliCpus) => {
  expect(leaseRoom(machine, leased, asked)).toEqual({ memoryMiB, milliCpus })
})

test('all leases of a machine at once are never more than it has', () => {
  const odd = { ramMiB: 65_537, cpuCores: 7, devices: 3 }
  const each = leaseRoom(odd, 1, undefined)
  const whole = leaseRoom(odd, 3, undefined)
  expect(each.memoryMiB * 3).toBeLessThanOrEqual(whole.memoryMiB)
  expect(each.milliCpus * 3).toBeLessThanOrEqual(7000)
})

test('an offer tells what a lease of it gets, parts of a core too', () => {
  const { host } = offerOf(freshKey())
  const room = { memoryMiB: 7168, milliCpus: 8000, diskMiB: 500 }
  expect(hostWith(host, room)).toEqual({ ...host, cpuCores: 8, ramMiB: 7168, diskMiB: 500 })
  const parts = hostWith(host, { memoryMiB: 7168, milliCpus: 1500 })
  expect(parts).toEqual({ ...host, cpuCores: 1, milliCpus: 1500, ramMiB: 7168 })
})
