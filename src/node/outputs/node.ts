import { z } from 'zod'
import { listOf, peerId } from '../../api/common.ts'
import { peer } from '../../api/network.ts'
import { nodeStatus } from '../../api/status.ts'
import type { Outputs } from './output.ts'

const ready = z.strictObject({
  event: z.literal('ready'),
  peerId,
  addrs: z.array(z.string()).describe('multiaddrs it listens on'),
  control: z.string().describe('path of the control socket'),
  api: z.string().optional().describe('address of the control API, with --api-port'),
})

/** What a node prints, and what commands print that look at it. */
export const nodeOutputs: Outputs = {
  '': { describe: 'first line, once the node can be used', schema: ready },
  status: { describe: 'one document', schema: nodeStatus },
  peers: { describe: 'a list', schema: listOf(peer) },
}
