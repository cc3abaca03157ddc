import { expect, test } from 'vitest'
import { sealCapability } from '../../src/protocols/capability.ts'
import {
  bestCapability,
  capabilityKey,
  capabilityValidator,
  openCapability,
} from '../../src/protocols/capability-dht.ts'
import { capabilityOf, NOW_MS, testKey, testNet } from '../support/market.ts'

const net = testNet()
const alice = testKey(1)
const key = capabilityKey(alice.peerId)
const sealed = (change: object = {}, signer = alice) =>
  sealCapability(net, signer, { ...capabilityOf(signer), ...change }).bytes
const nowMs = () => NOW_MS

test('a good record passes, again and again', () => {
  const { validators } = capabilityValidator(net, { nowMs })
  expect(validators['capability']!(key, sealed())).toBeUndefined()
  expect(validators['capability']!(key, sealed())).toBeUndefined()
})

test('an older record with a good signature is refused once a newer one was seen', () => {
  const { validators } = capabilityValidator(net, { nowMs })
  validators['capability']!(key, sealed({ seq: NOW_MS + 1 }))
  expect(() => validators['capability']!(key, sealed({ seq: NOW_MS }))).toThrow(/stale/)
})

test('two records with one sequence leave the same one standing in either order', () => {
  const [a, b] = [sealed({ engine: 'docker' }), sealed({ engine: 'none' })]
  const standing = (order: Uint8Array[]) => {
    const { validators } = capabilityValidator(net, { nowMs })
    let stands: Uint8Array | undefined
    for (const bytes of order) {
      try {
        validators['capability']!(key, bytes)
        stands = bytes
      } catch (error) {
        expect(String(error)).toMatch(/stale/)
      }
    }
    return stands
  }
  expect(standing([a, b])).toEqual(standing([b, a]))
})

test.each([
  ['under another peer', () => [capabilityKey(testKey(2).peerId), sealed()] as const],
  ['naming another peer', () => [key, sealed({ peerId: testKey(2).peerId })] as const],
  [
    'expired',
    () => [key, sealed({ issuedAtMs: NOW_MS - 90_000, expiresAtMs: NOW_MS - 31_000 })] as const,
  ],
  ['living too long', () => [key, sealed({ expiresAtMs: NOW_MS + 25 * 3_600_000 })] as const],
  ['from the future', () => [key, sealed({ seq: NOW_MS + 3 * 60_000 })] as const],
  [
    'forged',
    () => {
      const bytes = Uint8Array.from(sealed())
      bytes[bytes.length - 1]! ^= 1
      return [key, bytes] as const
    },
  ],
  [
    'of another network',
    () => [key, sealCapability(testNet(9), alice, capabilityOf(alice)).bytes] as const,
  ],
  ['oversized', () => [key, new Uint8Array(17_000)] as const],
  ['garbage', () => [key, Uint8Array.of(1, 2, 3)] as const],
])('a record %s is refused', (_, make) => {
  const [at, bytes] = make()
  expect(() => openCapability(net, at, bytes, NOW_MS)).toThrow()
})

test('the newest good record wins among untrusted answers, whatever stands beside it', () => {
  const bad: string[] = []
  const values = [
    sealed({ seq: NOW_MS - 5 }),
    Uint8Array.of(0),
    sealed({ seq: NOW_MS }),
    sealed({}, testKey(2)),
  ]
  const best = bestCapability(net, key, values, NOW_MS, (why) => bad.push(why))
  expect(best?.index).toBe(2)
  expect(bad).toHaveLength(2)
  expect(bestCapability(net, key, [Uint8Array.of(0)], NOW_MS)).toBeUndefined()
})
