import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { localNode } from '../support/local-node.ts'

const WAIT = { timeout: 20_000 }

test('two nodes of one network meet through a bootstrap address', async () => {
  await using first = await localNode({ roles: ['relay'] })
  await using second = await localNode({ roles: ['renter'], bootstrap: first.addrs })
  await vi.waitFor(() => {
    expect(first.parts.rpc.hello.greeted(second.parts.core.peerId)).toBe(true)
    expect(second.parts.rpc.hello.greeted(first.parts.core.peerId)).toBe(true)
  }, WAIT)
})

test('two nodes of different networks never exchange anything', async () => {
  await using first = await localNode({ roles: ['relay'] })
  await using foreign = await localNode({ genesis: '22'.repeat(32), bootstrap: first.addrs })
  const hosts = [first, foreign]
  await vi.waitFor(() => {
    const refused = hosts.flatMap(({ parts }) =>
      parts.core.events.recent().filter(({ event }) => event === 'request-refused'),
    )
    expect(refused.length).toBeGreaterThan(0)
  }, WAIT)
  await vi.waitFor(() => {
    for (const { parts } of hosts) expect(parts.core.libp2p.getPeers()).toEqual([])
  }, WAIT)
  expect(first.parts.rpc.hello.greeted(foreign.parts.core.peerId)).toBe(false)
  expect(foreign.parts.rpc.hello.greeted(first.parts.core.peerId)).toBe(false)
})

test('identity survives a restart, and a stopped node leaves its folder free', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'cn-node-'))
  const peerIds: string[] = []
  for (let i = 0; i < 2; i++) {
    await using node = await localNode({ dataDir })
    peerIds.push(node.parts.core.peerId)
  }
  expect(peerIds[0]).toBe(peerIds[1])
  await rm(dataDir, { recursive: true })
})

test('a busy port is one clear error with a next step', async () => {
  await using node = await localNode()
  const port = /tcp\/(\d+)/.exec(node.addrs[0]!)![1]
  await expect(localNode({ listen: [`/ip4/127.0.0.1/tcp/${port}`] })).rejects.toMatchObject({
    code: 'BAD_CONFIG_LISTEN',
    message: expect.stringContaining('in use'),
  })
})

test('a peer that is not on the list of admitted peers is refused', async () => {
  await using stranger = await localNode()
  await using closed = await localNode({
    peers: ['12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'],
  })
  const dialing = stranger.parts.core.libp2p.dial(closed.parts.core.libp2p.getMultiaddrs())
  await dialing.catch(() => undefined)
  await vi.waitFor(() => expect(stranger.parts.core.libp2p.getPeers()).toEqual([]), WAIT)
  expect(closed.parts.core.libp2p.getPeers()).toEqual([])
})
