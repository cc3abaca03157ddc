import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type DevnetProof, flawIn } from '../../src/containers/devnet-proof.ts'
import { createProcessEngine } from '../../src/containers/process-engine.ts'

const genesis = new Uint8Array(32).fill(7)
const good: DevnetProof = {
  network: 'local',
  genesis,
  embeddedGenesis: genesis,
  listen: ['/ip4/127.0.0.1/tcp/4001', '/ip6/::1/tcp/4001'],
  admittedPeerIds: ['12D3a'],
}

test('a devnet of this machine passes', () => {
  expect(flawIn(good)).toBeUndefined()
})

test.each<[string, Partial<DevnetProof>]>([
  ['another network', { network: 'finney' }],
  ['another genesis', { genesis: new Uint8Array(32) }],
  ['no genesis', { genesis: new Uint8Array(), embeddedGenesis: new Uint8Array() }],
  ['a listener on every interface', { listen: ['/ip4/127.0.0.1/tcp/1', '/ip4/0.0.0.0/tcp/1'] }],
  ['a listener on a name', { listen: ['/dns4/localhost/tcp/1'] }],
  ['a relayed listener', { listen: ['/p2p-circuit'] }],
  ['no listener named', { listen: [] }],
  ['peers not limited', { admittedPeerIds: [] }],
])('%s is refused', async (_, change) => {
  const proof = { ...good, ...change }
  const stateDir = join(tmpdir(), 'never-made')
  await expect(createProcessEngine({ proof, stateDir })).rejects.toMatchObject({
    code: 'BAD_CONFIG_ENGINE',
    next: expect.stringContaining('Docker'),
  })
})
