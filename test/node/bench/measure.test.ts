import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { measureDisk } from '../../../src/node/bench/measure-disk.ts'
import { measureNetwork } from '../../../src/node/bench/measure-network.ts'
import { configWith } from '../../../src/node/config.ts'
import { tempFolder } from '../../support/lease-market.ts'
import { localNode, TEST_GENESIS } from '../../support/local-node.ts'

test('the disk is written and read, and nothing stays', { timeout: 120_000 }, async () => {
  const folder = join(await tempFolder(), 'node')
  const found = await measureDisk(folder)
  expect(found!.bytes).toBeGreaterThan(0)
  expect(found!.writeMBps).toBeGreaterThan(0)
  expect(found!.readMBps).toBeGreaterThan(0)
  expect(await readdir(folder)).toEqual([])
})

test('loopback, and the first bootstrap peer that answers', { timeout: 120_000 }, async () => {
  await using node = await localNode()
  const dead = '/ip4/127.0.0.1/tcp/1'
  const bootstrap = [dead, ...node.addrs]
  const config = configWith({ network: 'local', genesis: TEST_GENESIS, bootstrap })
  const found = await measureNetwork(config, new AbortController().signal)
  expect(found.loopbackMBps).toBeGreaterThan(0)
  expect(found.bootstrap).toBe(node.parts.core.peerId)
  expect(found.bootstrapRttMs).toBeGreaterThan(0)
})

test('what is not measured says why', { timeout: 120_000 }, async () => {
  const { signal } = new AbortController()
  const local = { network: 'local', genesis: TEST_GENESIS } as const
  expect(await measureNetwork(configWith(local), signal)).toMatchObject({
    bootstrapRttMs: null,
    bootstrap: 'not measured: no bootstrap peer is named',
  })
  const gone = configWith({ ...local, bootstrap: ['/ip4/127.0.0.1/tcp/1'] })
  const { bootstrap } = await measureNetwork(gone, signal)
  expect(bootstrap).toMatch(/^not measured: \/ip4\/127.0.0.1\/tcp\/1: /)
})
