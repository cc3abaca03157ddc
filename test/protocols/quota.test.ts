import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { createQuota, prefixOf } from '../../src/protocols/quota.ts'

test.each([
  ['/ip4/203.0.113.7/tcp/1', '203.0.113.7'],
  ['/ip4/127.0.0.1/tcp/1', undefined],
  ['/ip6/::1/tcp/1', undefined],
  ['/ip6/2001:db8:1:22ff::9/tcp/1', '2001:db8:1:2200::/56'],
  ['/ip6/2001:db8:1:2200:1:2:3:4/tcp/1', '2001:db8:1:2200::/56'],
  ['/ip6/::ffff:cb00:7107/tcp/1', '203.0.113.7'],
  ['/dns4/example.org/tcp/1', undefined],
])('the prefix of %s is %s', (address, prefix) => {
  expect(prefixOf(multiaddr(address))).toBe(prefix)
})

test('a peer has a minute worth of requests, refilled evenly', () => {
  let now = 0
  const quota = createQuota(6, () => now)
  const from = { peerId: 'a', prefix: undefined }
  const take = (count: number) =>
    Array.from({ length: count }, () => quota.take(from)).filter(Boolean).length
  expect(take(10)).toBe(6)
  now += 10_000
  expect(take(10)).toBe(1)
  now -= 60_000 // a clock set back gives nothing and takes nothing
  expect(take(10)).toBe(0)
  now += 600_000
  expect(take(10)).toBe(6)
  expect(quota.take({ peerId: 'b', prefix: undefined })).toBe(true)
})

test('many peers of one prefix share a larger bucket, and this machine has none', () => {
  const count = (prefix: string | undefined): number => {
    const quota = createQuota(1, () => 0)
    return Array.from({ length: 200 }, (_, i) => quota.take({ peerId: `p${i}`, prefix })).filter(
      Boolean,
    ).length
  }
  expect(count('203.0.113.7')).toBe(16)
  expect(count(undefined)).toBe(200)
})
