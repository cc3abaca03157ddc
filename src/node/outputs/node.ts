import { z } from 'zod'
import { healths, leaseStates } from '../../protocols/lease.ts'
import { endingOwners } from '../../protocols/lease-endings.ts'
import type { PeerRow } from '../control/routes/peers.ts'
import type { NodeStatus } from '../control/routes/status.ts'
import { engineStates } from '../engine-rows.ts'
import { decimal, listOf, type Outputs, peerId, whole } from './output.ts'
import { drainOutput } from './queue.ts'

const ready = z.strictObject({
  event: z.literal('ready'),
  peerId,
  addrs: z.array(z.string()).describe('multiaddrs it listens on'),
  control: z.string().describe('path of the control socket'),
  api: z.string().optional().describe('address of the control API, with --api-port'),
})

const status: z.ZodType<NodeStatus> = z.strictObject({
  peerId,
  network: z.string().describe("the market's name on the wire"),
  roles: z.array(z.string()),
  addrs: z.array(z.string()),
  peers: whole.describe('how many peers it is connected to'),
  startedAtMs: whole.describe('unix ms'),
  version: z.string(),
  pid: whole,
  dataDir: z.string(),
  spending: z
    .strictObject({
      day: z.string().describe('in UTC'),
      items: z.array(
        z.strictObject({
          asset: z.string(),
          spent: decimal.describe('today, by receipts'),
          committed: decimal.describe('what leases can cost today at most'),
          cap: decimal.nullable().describe('--max-daily-cost'),
          left: decimal.nullable(),
        }),
      ),
    })
    .describe('what renting costs today'),
  drain: drainOutput.nullable().describe('of a miner: whether it runs empty; null elsewhere'),
  hosted: z
    .array(
      z.strictObject({
        id: z.string(),
        state: z.enum(leaseStates),
        health: z.enum(healths),
        renter: peerId,
        asset: z.string(),
        owed: decimal,
        acknowledged: decimal.describe('what of it is countersigned'),
        signedAhead: decimal.describe('up to where its renter signed in advance'),
        leftMs: whole
          .nullable()
          .describe('until it is paused if nothing is countersigned, or closed if it is paused'),
        notice: z.string().nullable().describe('what its renter is told'),
        reason: z.string().nullable(),
        fault: z.enum(endingOwners).nullable(),
      }),
    )
    .nullable()
    .describe('the leases of a miner that are not over; null elsewhere'),
  engines: z
    .array(
      z.strictObject({
        name: z.string().describe('`default` where none is named'),
        url: z.string(),
        version: z.string().nullable().describe('null until it has answered'),
        gpus: z.array(z.string()).describe('ids of the devices on it'),
        runtimes: z.array(z.string()),
        proven: z.boolean().describe('whether this node proves its devices'),
        state: z
          .enum(engineStates)
          .describe('away: it does not answer, and its leases are unknown; refuses: see reason'),
        reason: z.string().nullable().describe('why no lease starts there now'),
      }),
    )
    .nullable()
    .describe('what the leases of a miner run in; null elsewhere'),
  pulse: z
    .strictObject({ round: whole, clock: z.enum(['behind', 'ahead']).nullable() })
    .nullable()
    .describe('the newest pulse heard, and what pulses say against the clock'),
  chain: z
    .string()
    .nullable()
    .describe('the chain endpoint that is asked; null where none is, or it did not answer yet'),
  lacking: z
    .array(
      z.strictObject({
        check: z.string(),
        required: z.boolean(),
        actual: z.string(),
        remedy: z.string().nullable(),
      }),
    )
    .describe("what a miner's machine and devices lack, and what to do"),
})

const peer: z.ZodType<PeerRow> = z.strictObject({
  peerId,
  addr: z.string(),
  direction: z.enum(['inbound', 'outbound']),
  connections: whole,
  encryption: z.string(),
  relayed: z.boolean(),
})

/** What a node prints, and what commands print that look at it. */
export const nodeOutputs: Outputs = {
  '': { describe: 'first line, once the node can be used', schema: ready },
  status: { describe: 'one document', schema: status },
  peers: { describe: 'a list', schema: listOf(peer) },
}
