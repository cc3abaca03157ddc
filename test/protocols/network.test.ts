import { expect, test } from 'vitest'
import { createNetwork, KNOWN_GENESIS, wireName } from '../../src/protocols/network.ts'

const genesis = new Uint8Array(32).fill(7)

test('a name holds network, netuid and the first 8 hex of its digest', () => {
  const net = createNetwork('finney', 51, Buffer.from(KNOWN_GENESIS.finney!, 'hex'))
  expect(net.digest.length).toBe(32)
  expect(net.name).toBe(`finney-51-${Buffer.from(net.digest).toString('hex').slice(0, 8)}`)
  expect(wireName(net, 'lease')).toBe(`/compute-node/${net.name}/lease/1`)
  expect(wireName(net, 'lease', 2)).toMatch(/\/lease\/2$/)
})

test('another netuid or genesis is another network; the name of a network is not in its digest', () => {
  const digests = [
    createNetwork('local', 1, genesis),
    createNetwork('local', 256, genesis),
    createNetwork('local', 2, genesis),
    createNetwork('local', 1, new Uint8Array(32)),
  ].map(({ digest }) => Buffer.from(digest).toString('hex'))
  expect(new Set(digests).size).toBe(4)
  expect(createNetwork('test', 1, genesis).digest).toEqual(
    createNetwork('local', 1, genesis).digest,
  )
})

test.each([-1, 65_536, 1.5, Number.NaN])('netuid %d is refused', (netuid) =>
  expect(() => createNetwork('local', netuid, genesis)).toThrow(/netuid/),
)
test('a genesis of another length is refused', () =>
  expect(() => createNetwork('local', 1, new Uint8Array(31))).toThrow(/32 bytes/))
