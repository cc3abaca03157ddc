import os from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection } from '@libp2p/interface'
import { MemoryDatastore } from 'datastore-core'
import { expect, onTestFinished, test, vi } from 'vitest'
import { silent } from '../../src/log.ts'
import {
  createNodeLibp2p,
  type Libp2pOptions,
  listen,
  SILENCE,
  type Silence,
} from '../../src/node/libp2p.ts'
import { topics } from '../../src/node/roles.ts'
import { sealCapability } from '../../src/protocols/capability.ts'
import { capabilityKey, capabilityValidator } from '../../src/protocols/capability-dht.ts'
import { createDhtRecords, isInTable } from '../../src/protocols/dht.ts'
import { PROVIDER_VALIDITY_MS } from '../../src/protocols/dht-datastore.ts'
import { wireName } from '../../src/protocols/network.ts'
import { capabilityOf, testKey, testNet } from '../support/market.ts'
import { eventually } from '../support/nodes.ts'
import { until } from '../support/peers.ts'

const net = testNet()

/** Ends with the test, which says itself where others run beside it. */
async function node(changes: Partial<Libp2pOptions> = {}, ends = onTestFinished) {
  const options = {
    net,
    privateKey: await generateKeyPair('Ed25519'),
    listen: [],
    announce: [],
    relay: false,
    dhtClient: true,
    topics,
    ...capabilityValidator(net, { nowMs: Date.now }),
    ...changes,
  }
  const libp2p = await createNodeLibp2p(options)
  ends(async () => {
    await libp2p.stop()
  })
  await listen(libp2p, options.listen)
  return libp2p
}

const loopback = { listen: ['/ip4/127.0.0.1/tcp/0'] }

test('many neighbours on one machine are admitted at once', async () => {
  const relay = await node({ ...loopback, relay: true })
  const dialers = await Promise.all(Array.from({ length: 10 }, () => node()))
  await Promise.all(dialers.map((dialer) => dialer.dial(relay.getMultiaddrs())))
  await until(() => relay.getPeers().length === 10)
})

test('a node tells the addresses it was given to announce, and these alone', async () => {
  const announce = '/dns4/relay.example/tcp/4001'
  const relay = await node({ ...loopback, announce: [announce] })
  const told = relay.getMultiaddrs().map((address) => address.toString())
  expect(told).toEqual([`${announce}/p2p/${relay.peerId.toString()}`])
})

test('without them an address that nobody verified is told to nobody (the trap itself)', async () => {
  const [internal, address] = [false, '1.2.3.4']
  const nic = { address, internal, family: 'IPv4' } as os.NetworkInterfaceInfo
  vi.spyOn(os, 'networkInterfaces').mockReturnValue({ eth0: [nic] })
  onTestFinished(() => void vi.restoreAllMocks())
  const listensEverywhere = { listen: ['/ip4/0.0.0.0/tcp/0'] }
  expect((await node(listensEverywhere)).getMultiaddrs()).toEqual([])
  const announced = await node({ ...listensEverywhere, announce: [`/ip4/${address}/tcp/4001`] })
  expect(announced.getMultiaddrs().map(String)).toEqual([
    `/ip4/${address}/tcp/4001/p2p/${announced.peerId.toString()}`,
  ])
})

test('identify and ping carry the name of the network', async () => {
  const names = (await node(loopback)).getProtocols()
  const own = ['id', 'ping'].map((name) => `/compute-node/${net.name}/${name}/1.0.0`)
  expect(names).toEqual(expect.arrayContaining(own))
  expect(names.filter((name) => /^\/ipfs\/(id|ping)\//.test(name))).toEqual([])
})

test('a peer that hangs in the DHT does not keep a record from its other holders', {
  timeout: 180_000,
}, async () => {
  const owner = await node({ ...loopback, dhtClient: false })
  const [holder, hanging] = [
    await node({ ...loopback, dhtClient: false }),
    await node({ ...loopback, dhtClient: false }),
  ]
  await hanging.handle(wireName(net, 'kad'), () => undefined, { force: true })
  for (const other of [holder, hanging]) {
    await owner.dial(other.getMultiaddrs())
    await eventually(() => isInTable(owner.services.dht, other.peerId), 'a peer of the DHT')
  }
  const records = createDhtRecords(owner.services.dht, { net, log: silent, nowMs: Date.now })
  const key = testKey(1)
  const put = () => {
    const seq = Date.now()
    const said = { ...capabilityOf(key), seq, issuedAtMs: seq, expiresAtMs: seq + 3_600_000 }
    const { bytes } = sealCapability(net, key, said)
    return records.put(capabilityKey(key.peerId), bytes)
  }
  // kad-dht waits the longer for an answer the longer others took to fail: let the first seem to have taken ninety seconds.
  const first = put()
  await delay(1000)
  const now = Date.now
  onTestFinished(() => {
    Date.now = now
  })
  Date.now = () => now() + 90_000
  expect(await first).toBe(1)
  expect(await put()).toBe(1)
})

test('addresses are believed for longer than provider records live', async () => {
  const datastore = new MemoryDatastore()
  const keeper = await node({ ...loopback, datastore })
  const { peerId } = await node()
  const [address] = keeper.getMultiaddrs()
  const now = Date.now
  onTestFinished(() => {
    Date.now = now
  })
  await keeper.peerStore.save(peerId, { multiaddrs: [address!.decapsulate('/p2p')] })
  Date.now = () => now() + PROVIDER_VALIDITY_MS + 60_000
  expect((await keeper.peerStore.get(peerId)).addresses).toHaveLength(1)
})

/** A connection over which nobody says anything, between two nodes of a market in a hurry. */
async function silentConnection(
  changes: Partial<Silence>,
  ends: typeof onTestFinished,
): Promise<Connection> {
  const short = { tcpTimeoutMs: 3000, pingMs: 600, pingTimeoutMs: 500, keepAliveMs: 300 }
  const silence = { ...short, ...changes }
  const listener = await node({ ...loopback, silence }, ends)
  return (await node({ silence }, ends)).dial(listener.getMultiaddrs())
}

// Beside each other, for they mostly wait.
test.concurrent('a silent connection lives by pings alone and by keep-alives alone, and dies without both', async ({
  onTestFinished,
}) => {
  const never = 3_600_000
  const pinged = await silentConnection({ keepAliveMs: never }, onTestFinished)
  const kept = await silentConnection({ pingMs: never }, onTestFinished)
  for (let deaths = 0; deaths < 2; deaths++) {
    const neither = await silentConnection({ keepAliveMs: never, pingMs: never }, onTestFinished)
    await until(() => neither.status !== 'open')
  }
  expect([pinged.status, kept.status]).toEqual(['open', 'open'])
  // Measured by the monitor: nothing else measures it.
  expect(pinged.rtt).toBeGreaterThanOrEqual(0)
  expect(kept.rtt).toBeUndefined()
})

test.concurrent('a peer that is slow to answer, slower than the library waits, is not given up', async ({
  onTestFinished,
}) => {
  const silence = { ...SILENCE, pingMs: 7000, pingTimeoutMs: 6500 }
  const listener = await node(loopback, onTestFinished)
  const name = `/compute-node/${net.name}/ping/1.0.0`
  await listener.unhandle(name)
  await listener.handle(name, (stream) => {
    stream.addEventListener('message', ({ data }) => {
      setTimeout(() => stream.send(data), 5500).unref()
    })
  })
  const connection = await (await node({ silence }, onTestFinished)).dial(listener.getMultiaddrs())
  await until(() => connection.rtt !== undefined || connection.status !== 'open')
  expect(connection.status).toBe('open')
  expect(connection.rtt).toBeGreaterThan(5000)
})

test('a real connection is pinged and kept alive several times before it would die', () => {
  expect(SILENCE.pingTimeoutMs).toBeLessThan(SILENCE.pingMs)
  expect(SILENCE.pingMs * 4).toBeLessThanOrEqual(SILENCE.tcpTimeoutMs)
  expect(SILENCE.keepAliveMs * 4).toBeLessThanOrEqual(SILENCE.tcpTimeoutMs)
})
