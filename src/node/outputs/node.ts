import { z } from 'zod'
import { listOf, peerId, whole } from '../../api/common.ts'
import { peer } from '../../api/network.ts'
import { nodeStatus } from '../../api/status.ts'
import type { SignInLink } from '../control/sign-in-link.ts'
import type { Outputs } from './output.ts'

const ready = z.strictObject({
  event: z.literal('ready'),
  peerId,
  addrs: z.array(z.string()).describe('multiaddrs it listens on'),
  control: z.string().describe('path of the control socket'),
  api: z.string().optional().describe('address of the control API, with --api-port'),
})

const signInLink: z.ZodType<SignInLink> = z.strictObject({
  url: z.string().describe('signs one browser in, once'),
  expiresAtMs: whole.describe('until when, unix ms'),
  console: z.string().describe('for a browser that is signed in'),
})

/** What a node prints, and what commands print that look at it. */
export const nodeOutputs: Outputs = {
  '': { describe: 'first line, once the node can be used', schema: ready },
  status: { describe: 'one document', schema: nodeStatus },
  ui: { describe: 'one document', schema: signInLink },
  peers: { describe: 'a list', schema: listOf(peer) },
}
