import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { connectChain } from '../../src/chain/subtensor.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { silent } from '../../src/log.ts'
import type { Member } from '../../src/node/devnet/layout.ts'
import {
  bindMembers,
  joinMembers,
  makeKeys,
  walletPlace,
} from '../../src/node/devnet/prepare-chain.ts'
import { equivocationOf } from '../../src/node/fraud/make-fraud.ts'
import type { RunningNode } from '../../src/node/node.ts'
import { attestationsTopic, sealVerdicts } from '../../src/protocols/attestations.ts'
import { sealTick } from '../../src/protocols/challenge.ts'
import { createNetwork } from '../../src/protocols/network.ts'
import { noticesTopic } from '../../src/protocols/offers.ts'
import { topicName } from '../../src/protocols/topic.ts'
import { localNode } from '../support/local-node.ts'
import { testKey } from '../support/market.ts'

const WAIT = { timeout: 60_000, interval: 100 }
const miner = testKey(9)
const gpu = { miner: miner.peerId, hotkey: miner.publicKey, gpu: 'cpu-0' }

/** A chain, a relay, and two who let in nobody but the relay: a validator and a renter. */
async function market() {
  const folder = await mkdtemp(join(tmpdir(), 'cn-relay-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  const life = new AbortController()
  const { signal } = life
  onTestFinished(() => life.abort())
  const options = { dataDir: join(folder, 'chain'), blockMs: 200, tempo: 10, log: silent, signal }
  const dev = await startDevChain(options)
  const chain = await connectChain(dev.url, { log: silent, signal })
  onTestFinished(() => chain.close())
  const member = (role: Member['role']): Member => ({
    ...{ name: role, role, dataDir: join(folder, role) },
  })
  const members = [member('relay'), member('validator'), member('renter')]
  const keyed = await makeKeys(members, silent)
  const net = createNetwork('local', 1, chain.genesis)
  await joinMembers(chain, net, keyed, await bindMembers(chain, net, keyed))

  const run = async ({ dataDir, role }: Member, more: object): Promise<RunningNode> => {
    const shared = { chain: [dev.url], genesis: dev.genesis.slice(2), netuid: 1 }
    const node = await localNode({ ...shared, roles: [role], dataDir, ...more })
    onTestFinished(() => node[Symbol.asyncDispose]())
    return node
  }
  const relay = await run(members[0]!, {})
  const behind = { bootstrap: relay.addrs, peers: [relay.parts.core.peerId] }
  const { path: walletPath, name: walletName, hotkey: walletHotkey } = walletPlace(members[1]!)
  const wallet = { walletPath, walletName, walletHotkey }
  const [validator, renter] = await Promise.all([
    run(members[1]!, { ...behind, ...wallet }),
    run(members[2]!, behind),
  ])
  return { relay, validator, renter }
}

test('real nodes: testimony and proofs of fraud reach who knows nobody but a relay', {
  timeout: 120_000,
}, async () => {
  const { relay, validator, renter } = await market()
  const { core, proving } = validator.parts
  const knows = ({ parts }: RunningNode): unknown =>
    parts.validators.validators().map(({ peerId }) => peerId)
  const hears = (one: RunningNode, other: RunningNode): boolean =>
    [attestationsTopic, noticesTopic].every((topic) =>
      one.parts.core.libp2p.services.gossip
        .getSubscribers(topicName(core.net, topic))
        .map(String)
        .includes(other.parts.core.peerId),
    )
  await vi.waitFor(() => {
    // The renter looks for the validator once it hears its testimony.
    for (const node of [relay, validator]) expect(knows(node)).toEqual([core.peerId])
    for (const end of [validator, renter]) {
      expect([hears(relay, end), hears(end, relay)]).toEqual([true, true])
    }
  }, WAIT)

  const slot = slotNetworks.local.stride
  const said = sealVerdicts(core.net, core.key, {
    ...{ slot, chunk: 0, rows: [{ ...gpu, verdict: 'SILENT' }] },
  })
  expect(await proving!.attestations.keepOwn(said)).toBe('accept')
  await core.libp2p.services.gossip.publish(topicName(core.net, attestationsTopic), said.bytes)
  const verdictsAt = ({ parts }: RunningNode) =>
    parts.proving?.attestations.verdictsOn(slot, miner.peerId, 'cpu-0').length
  await vi.waitFor(() => expect([relay, renter].map(verdictsAt)).toEqual([1, 1]), WAIT)

  const [one, other] = [1, 2].map((count) => {
    const head = new Uint8Array(32).fill(count)
    return sealTick(core.net, miner, { slot, gpu: 'cpu-0', work: 'gemm', k: 1, count, head }).bytes
  })
  expect(await proving!.frauds.publish(equivocationOf(core.net, one!, other!))).toBe('accept')
  const proof = { slot, miner: miner.peerId, gpu: 'cpu-0', reason: 'EQUIVOCATION' }
  const proofsAt = ({ parts }: RunningNode) => parts.proving?.frauds.proofs()
  await vi.waitFor(() => {
    expect([relay, renter].map(proofsAt)).toEqual([[proof], [proof]])
  }, WAIT)
  expect(renter.parts.core.libp2p.getPeers().map(String)).toEqual([relay.parts.core.peerId])
})
