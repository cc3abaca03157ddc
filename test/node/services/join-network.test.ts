import { peerIdFromString } from '@libp2p/peer-id'
import { expect, onTestFinished, test, vi } from 'vitest'
import { silent } from '../../../src/log.ts'
import { joinNetwork } from '../../../src/node/services/join-network.ts'
import { testKey } from '../../support/market.ts'

const bootstrap = ['/ip4/127.0.0.1/tcp/4001', '/ip4/127.0.0.1/tcp/4002']

test('a node that lost a bootstrap peer dials it again, also while it has other peers', async () => {
  const owners = new Map(bootstrap.map((address, i) => [address, testKey(i + 1).peerId]))
  const connected = new Set<string>()
  const dialed: string[] = []
  const libp2p = {
    async dial(address: unknown) {
      const peer = owners.get(String(address))!
      dialed.push(String(address))
      connected.add(peer)
      return { remotePeer: peerIdFromString(peer) }
    },
    getPeers: () => [...connected],
    getConnections: (peer: unknown) => [...connected].filter((one) => one === String(peer)),
  }
  const life = new AbortController()
  onTestFinished(() => life.abort())
  const core = { config: { bootstrap }, libp2p, log: silent } as never
  await joinNetwork({ core }).start(life.signal)
  expect(dialed).toEqual(bootstrap)

  connected.delete(owners.get(bootstrap[0]!)!)
  await vi.waitFor(() => expect(dialed).toHaveLength(3), { timeout: 20_000 })
  expect(dialed[2]).toBe(bootstrap[0])
})

test.each([
  ['finney', 'miner', ['no-bootstrap']],
  ['finney', 'relay', []],
  ['local', 'renter', []],
] as const)('on %s a %s that knows nobody is told what to do', async (network, role, told) => {
  const warned: string[] = []
  const log = { ...silent, warn: (name: string) => void warned.push(name) }
  const core = { config: { bootstrap: [], network, roles: [role] }, log } as never
  await joinNetwork({ core }).start(new AbortController().signal)
  expect(warned).toEqual(told)
})
