import { expect, test } from 'vitest'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { createProofRoom } from '../../src/node/proof-room.ts'
import { isTooSmall, tenantMiB } from '../../src/node/tenant-room.ts'
import { GiB } from '../../src/units.ts'

const { finney, local } = slotNetworks

test.each([
  ['an H100', { vramMiB: 81_559, proofN: 16_384, proofBytes: 72 * GiB }, 78_462, false],
  ['a card of 8 GiB', { vramMiB: 8192, proofN: 4096, proofBytes: 7 * GiB }, 7115, false],
  ['one that proves nothing', { vramMiB: 8192 }, 8192, false],
  ['one that is full already', { vramMiB: 1024, proofN: 8192, proofBytes: GiB }, 0, true],
  ['a processor', { vramMiB: 0, proofN: 2048, proofBytes: GiB }, 0, false],
])('the memory that a tenant of %s gets', (_, device, mib, small) => {
  expect(tenantMiB(device, finney)).toBe(mib)
  expect(isTooSmall(device, finney)).toBe(small)
})

test('a local network takes next to nothing', () => {
  expect(tenantMiB({ vramMiB: 1024, proofN: 512, proofBytes: 8 * 2 ** 20 }, local)).toBe(1022)
})

test('a tenant waits until the proofs hold no more than they may; who holds nothing is in nobody’s way', async () => {
  const room = createProofRoom()
  const life = new AbortController()
  expect(room.isIn('a', 'leased')).toBe(true)
  expect(await room.until('a', 'exclusive', 1000, life.signal)).toBe(true)
  room.took('a', 'idle')
  const [leased, other] = [
    room.until('a', 'leased', 60_000, life.signal),
    room.until('a', 'exclusive', 60_000, life.signal),
  ]
  expect(await room.until('a', 'leased', 1, life.signal)).toBe(false)
  room.took('a', 'leased')
  expect(await leased).toBe(true)
  expect(room.isIn('a', 'exclusive')).toBe(false)
  room.left('a')
  expect(await other).toBe(true)
  room.took('b', 'idle')
  const stopped = room.until('b', 'leased', 60_000, life.signal)
  life.abort()
  expect(await stopped).toBe(false)
})
