import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silent } from '../../src/log.ts'
import { type Config, configWith } from '../../src/node/config.ts'
import { createNode, type RunningNode } from '../../src/node/node.ts'

/** The genesis of a market that exists in one test alone. */
export const TEST_GENESIS = '11'.repeat(32)

/** A whole node of a local market in this process, on an ephemeral loopback port, in a folder that goes with it. */
export async function localNode(changes: Partial<Config> = {}): Promise<RunningNode> {
  const dataDir = changes.dataDir ?? (await mkdtemp(join(tmpdir(), 'cn-node-')))
  const config = configWith({
    network: 'local',
    genesis: TEST_GENESIS,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    ...changes,
    dataDir,
  })
  const node = await createNode(config, { log: silent })
  return {
    parts: node.parts,
    control: node.control,
    addrs: node.addrs,
    async [Symbol.asyncDispose]() {
      await node[Symbol.asyncDispose]()
      if (changes.dataDir === undefined) await rm(dataDir, { recursive: true })
    },
  }
}
