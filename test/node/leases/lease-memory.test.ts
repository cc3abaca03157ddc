import { expect, test } from 'vitest'
import { leaseMemoryMiB } from '../../../src/node/leases/lease-memory.ts'
import { GiB } from '../../../src/units.ts'

test.each([
  ['one device: all but an eighth', undefined, { ramMiB: 65_536, devices: 1 }, 57_344],
  ['eight devices: an eighth of that each', undefined, { ramMiB: 65_536, devices: 8 }, 7168],
  ['a small machine keeps a GiB', undefined, { ramMiB: 4096, devices: 1 }, 3072],
  ['a tiny one keeps half', undefined, { ramMiB: 1024, devices: 1 }, 512],
  ['a machine without devices', undefined, { ramMiB: 65_536, devices: 0 }, 57_344],
  ['what its owner said', 2 * GiB, { ramMiB: 65_536, devices: 8 }, 2048],
  ['never more than there is', 100 * GiB, { ramMiB: 65_536, devices: 1 }, 65_536],
])('%s', (_, asked, machine, mib) => {
  expect(leaseMemoryMiB(asked, machine)).toBe(mib)
})
