import { z } from 'zod'
import { address, pageAsked, pageOf, peerId, whole } from './common.ts'
import { isolation } from './leases.ts'
import { route } from './route.ts'

/** One peer that the node is connected to. */
export const peer = z
  .strictObject({
    peerId,
    addr: z.string().describe('multiaddr'),
    direction: z.enum(['inbound', 'outbound']),
    connections: whole.describe('how many there are'),
    encryption: z.string(),
    relayed: z.boolean().describe('through a relay, which limits it'),
  })
  .meta({ id: 'Peer', description: 'One peer that the node is connected to' })
export type PeerRow = z.infer<typeof peer>

const capabilityDevice = z.looseObject({
  id: z.string(),
  vendor: z.string(),
  name: z.string(),
  vramMiB: whole,
})

/** What one peer announces. */
export const capability = z
  .strictObject({
    peerId,
    seq: whole,
    classes: z.array(z.string()).describe('what it can be found under, e.g. `gpu:h100-sxm`, `cpu`'),
    backend: z.string().describe('how its GPUs prove'),
    engine: z.string().describe('what its leases run in'),
    isolation: isolation.nullable().describe('what holds a tenant, in its own word'),
    expiresAtMs: whole.describe('unix ms'),
    devices: z.array(capabilityDevice),
    versions: z.looseObject({ node: z.string(), program: z.string() }),
    hotkey: z.string().nullable().describe("hex, when a hotkey's consent is in the record"),
  })
  .meta({ id: 'Capability', description: 'What one peer announces' })

/** Whom this node believes to work for which hotkey. */
export const bindings = z.strictObject({
  block: whole.nullable().describe('of the last reading; null before the first'),
  items: z.array(
    z.strictObject({
      peerId,
      hotkey: address,
      uid: whole,
      sinceBlock: whole.describe('block of the commitment that holds it'),
      expiresAtBlock: whole,
    }),
  ),
})
export type BindingsAnswer = z.infer<typeof bindings>

/** Ids of what this node signed and keeps. */
export const ownRecords = z.strictObject({
  net: z.string().describe('the market whose records they are'),
  ids: z.array(z.string()).describe('hex'),
})
export type OwnRecordsAnswer = z.infer<typeof ownRecords>

/** One of them as it travels. */
export const ownRecord = z.strictObject({ id: z.string(), base64: z.string() })
export type OwnRecordDocument = z.infer<typeof ownRecord>

/** What the node recorded, each epoch as JSON text, in which amounts are decimal text. */
export const recordedEarnings = z.strictObject({ items: z.array(z.string()) })
export type EarningsAnswer = z.infer<typeof recordedEarnings>

const epoch = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const epochs = z.strictObject({
  hotkey: z.string().max(64).describe('SS58 address'),
  from: epoch.describe('the first epoch'),
  to: epoch.describe('the last one'),
})

export const networkRoutes = {
  listPeers: route({
    method: 'GET',
    path: '/v1/peers',
    scope: 'read',
    kind: 'json',
    summary: 'The peers that the node is connected to',
    query: pageAsked,
    answer: pageOf(peer),
  }),
  listCapabilities: route({
    method: 'GET',
    path: '/v1/capabilities',
    scope: 'read',
    kind: 'json',
    summary: 'What peers announce',
    query: z.object({
      class: z.string().max(64).optional().describe('asks the DHT for a class first, e.g. `cpu`'),
      ...pageAsked.shape,
    }),
    answer: pageOf(capability),
  }),
  getCapability: route({
    method: 'GET',
    path: '/v1/capabilities/:peer',
    scope: 'read',
    kind: 'json',
    summary: "One peer's record, from the DHT",
    params: z.object({ peer: peerId.max(128) }),
    answer: capability,
  }),
  listBindings: route({
    method: 'GET',
    path: '/v1/bindings',
    scope: 'read',
    kind: 'json',
    summary: 'Which PeerIds work for which hotkeys, at the last reading of the chain',
    answer: bindings,
  }),
  listOwnRecords: route({
    method: 'GET',
    path: '/v1/own-records',
    scope: 'read',
    kind: 'json',
    summary: 'Ids of the offers, receipts and attestations that this node signed and keeps',
    answer: ownRecords,
  }),
  getOwnRecord: route({
    method: 'GET',
    path: '/v1/own-records/:id',
    scope: 'read',
    kind: 'json',
    summary: 'One of them as it travels',
    params: z.object({ id: z.string().max(128).describe('hex') }),
    answer: ownRecord,
  }),
  listRecordedEarnings: route({
    method: 'GET',
    path: '/v1/earnings',
    scope: 'read',
    kind: 'json',
    summary: 'What this node recorded that a hotkey earned',
    query: epochs,
    answer: recordedEarnings,
  }),
  listRecordedNominators: route({
    method: 'GET',
    path: '/v1/earnings/nominators',
    scope: 'read',
    kind: 'json',
    summary: 'What of it went to those who had staked on the hotkey',
    query: epochs,
    answer: recordedEarnings,
  }),
  hold: route({
    method: 'GET',
    path: '/v1/hold',
    scope: 'operate',
    kind: 'stream',
    summary: 'Keeps a node that was started for one command alive while it is open',
  }),
  getHealth: route({
    method: 'GET',
    path: '/healthz',
    scope: 'public',
    kind: 'json',
    summary: 'Whether the node is alive',
    answer: z.strictObject({ ok: z.boolean() }),
  }),
}
