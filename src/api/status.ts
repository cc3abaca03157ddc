import { z } from 'zod'
import { healths, leaseStates } from '../lease-states.ts'
import { decimal, peerId, whole } from './common.ts'
import { endingOwners } from './leases.ts'
import { route } from './route.ts'

/** How a miner's engine stands. */
export const engineStates = ['answers', 'away', 'refuses', 'absent'] as const

/** How far a miner is with running empty. */
export const drainState = z
  .strictObject({
    draining: z.boolean().describe('whether it takes no new leases'),
    sinceMs: whole.nullable().describe('unix ms'),
    leases: whole.describe('how many run, or whose container is not gone yet'),
    endsAtMs: whole.nullable().describe('unix ms: agreed end of the last of them'),
  })
  .meta({ id: 'DrainState', description: 'How far a miner is with running empty' })

/** What a node says of itself. */
export const nodeStatus = z
  .strictObject({
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
    drain: drainState.nullable().describe('of a miner: whether it runs empty; null elsewhere'),
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
  .meta({ id: 'NodeStatus', description: 'What a node says of itself' })
export type NodeStatus = z.infer<typeof nodeStatus>

export const statusRoutes = {
  getStatus: route({
    method: 'GET',
    path: '/v1/status',
    scope: 'read',
    kind: 'json',
    summary: 'What this node says of itself',
    answer: nodeStatus,
  }),
}
