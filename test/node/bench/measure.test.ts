import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { measureDisk } from '../../../src/node/bench/measure-disk.ts'
import { measureNetwork } from '../../../src/node/bench/measure-network.ts'
import { configWith } from '../../../src/node/config.ts'
import { detectHost } from '../../../src/node/machine.ts'
import { keepInet, measuredInet } from '../../../src/node/measured-inet.ts'
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
  await using node = await localNode({ roles: ['relay'] })
  const dead = '/ip4/127.0.0.1/tcp/1'
  const bootstrap = [dead, ...node.addrs]
  const config = configWith({ network: 'local', genesis: TEST_GENESIS, bootstrap })
  const stages: string[] = []
  const { signal } = new AbortController()
  const found = await measureNetwork(config, signal, (stage) => stages.push(stage))
  expect(found.loopbackMBps).toBeGreaterThan(0)
  expect(found.bootstrap).toBe(node.parts.core.peerId)
  expect(found.bootstrapRttMs).toBeGreaterThan(0)
  expect(found.downMbps).toBeGreaterThan(0)
  expect(found.upMbps).toBeGreaterThan(0)
  expect(found.bandwidth).toBeNull()
  expect(stages).toHaveLength(5)
})

test('what is not measured says why', { timeout: 120_000 }, async () => {
  const { signal } = new AbortController()
  const local = { network: 'local', genesis: TEST_GENESIS } as const
  expect(await measureNetwork(configWith(local), signal)).toMatchObject({
    ...{ bootstrapRttMs: null, downMbps: null, upMbps: null },
    bootstrap: 'not measured: no bootstrap peer is named',
  })
  const gone = configWith({ ...local, bootstrap: ['/ip4/127.0.0.1/tcp/1'] })
  const { bootstrap } = await measureNetwork(gone, signal)
  expect(bootstrap).toMatch(/^not measured: \/ip4\/127.0.0.1\/tcp\/1: /)
})

test('a measured line stands in what this machine offers, for a month', async () => {
  const folder = join(await tempFolder(), 'node')
  const dayMs = 86_400_000
  expect(await measuredInet(folder, 0)).toEqual({})
  await keepInet(folder, { downMbps: null, upMbps: null }, dayMs)
  expect(await measuredInet(folder, dayMs)).toEqual({})
  await keepInet(folder, { downMbps: 941.4, upMbps: 39.6 }, Date.now())
  expect(await detectHost(folder)).toMatchObject({ inetDownMbps: 941, inetUpMbps: 40 })
  expect(await measuredInet(folder, Date.now() + 31 * dayMs)).toEqual({})
})
