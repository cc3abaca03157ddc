import { z } from 'zod'
import { address, peerId, whole } from './common.ts'
import { route } from './route.ts'

/** A peer that this node is connected to, and what is known of it. */
export const knownPeer = z
  .strictObject({
    peerId,
    roles: z
      .array(z.enum(['relay', 'miner', 'validator']))
      .describe('as its protocols, its devices and the chain tell; a renter tells nobody'),
    addr: z.string().describe('multiaddr'),
    direction: z.enum(['inbound', 'outbound']),
    relayed: z.boolean().describe('through a relay, which limits it'),
    encryption: z.string(),
    muxer: z.string(),
    connections: whole.describe('how many there are'),
    rttMs: whole.nullable().describe('there and back, measured twice a minute; null before that'),
    sinceMs: whole.describe('unix ms: when the oldest of its connections was opened'),
    version: z.string().nullable().describe('of compute-node, as its capability record says'),
    agent: z.string().nullable().describe('as it names its library when it is greeted'),
  })
  .meta({ id: 'KnownPeer', description: 'A peer that this node is connected to' })
export type KnownPeer = z.infer<typeof knownPeer>

const topicNow = z.strictObject({
  name: z.string().describe('the middle of its wire name'),
  subscribers: whole.describe('connected peers that carry it'),
  mesh: whole.describe('those of them that it is sent to at once'),
})

const chainNow = z.strictObject({
  endpoint: z.string().nullable().describe('null before one answered'),
  rank: whole.nullable().describe('its place among those given, the preferred one is 1'),
  runtime: z.string().nullable().describe("the runtime's name and version"),
  finalBlock: whole.nullable().describe('newest final block that the endpoint knows'),
  readBlock: whole.nullable().describe('block that this node read last'),
  readAtMs: whole.nullable().describe("unix ms by the chain's clock; null where it has none"),
  epoch: whole.nullable(),
  blocksLeft: whole.nullable().describe('of the epoch'),
  neurons: whole.describe('registered hotkeys'),
  validators: whole.describe('bound peers that may validate'),
  bound: whole.describe('PeerIds that work for a hotkey'),
})

/** How this node is connected with all others, and what it knows. */
export const networkState = z
  .strictObject({
    peers: z.array(knownPeer),
    relays: z.array(peerId).describe('through whom this node can be reached'),
    servesRelay: z.boolean(),
    topics: z.array(topicNow).describe('of gossip'),
    dht: z.strictObject({
      mode: z.enum(['client', 'server']),
      peers: whole.describe('in its routing table'),
    }),
    held: z
      .strictObject({
        offers: whole,
        capabilities: whole,
        frauds: whole,
      })
      .describe('what it holds of the market'),
    pulse: z
      .strictObject({ round: whole, atMs: whole.describe('unix ms: when it was due') })
      .nullable()
      .describe("the beacon's newest pulse that was heard; null where none is known"),
    chain: chainNow.nullable().describe('null on a node that asks none'),
  })
  .meta({ id: 'NetworkState', description: 'How a node is connected, and what it knows' })
export type NetworkState = z.infer<typeof networkState>

const ownSlot = z.strictObject({
  slot: whole.describe('round of the beacon that started it'),
  atMs: whole.describe('unix ms: when this validator began it'),
  gpus: whole.describe('devices that it followed'),
  abstained: z.string().nullable().describe('why it does not testify; null where it does'),
})

const pendingRow = z.strictObject({
  epoch: whole.describe('in which it was sent'),
  way: z.enum(['direct', 'hash', 'timelock']).describe('hash: this node reveals it itself'),
  uids: whole.describe('how many it weighs'),
  round: whole.nullable().describe('the pulse that opens it, of timelocked ones'),
})

/** How a validator stands with its slots and its weights. */
export const validatorState = z
  .strictObject({
    hotkey: address.nullable().describe('null before this peer is bound'),
    uid: whole.nullable(),
    permit: z.boolean().describe('whether the chain takes its weights'),
    stake: z.string().nullable().describe('decimal, in alpha'),
    epoch: z
      .strictObject({
        index: whole,
        block: whole.describe('that was read last'),
        nextBlock: whole.describe('at which the epoch ends: weights must be in before'),
        blocksLeft: whole,
        tempo: whole.describe('blocks of an epoch'),
      })
      .nullable()
      .describe('null before the chain was read'),
    due: z.boolean().describe('whether weights of this epoch are still to be set'),
    waiting: z
      .strictObject({
        reason: z.string(),
        message: z.string().nullable(),
        next: z.string().nullable().describe('what to do'),
      })
      .nullable()
      .describe('why they are not set yet; null where nothing was told'),
    weights: z
      .strictObject({
        epoch: whole,
        rows: z.array(
          z.strictObject({
            uid: whole,
            hotkey: address.nullable(),
            weight: whole.describe('of 65535'),
          }),
        ),
      })
      .nullable()
      .describe('set last; null: never'),
    pending: z.array(pendingRow).describe('on their way, oldest first'),
    slots: z.array(ownSlot).describe('that this run of the node remembers, newest first'),
  })
  .meta({ id: 'ValidatorState', description: 'How a validator stands' })
export type ValidatorState = z.infer<typeof validatorState>

export const overviewRoutes = {
  getNetwork: route({
    method: 'GET',
    path: '/v1/network',
    scope: 'read',
    kind: 'json',
    summary: 'How this node is connected with all others, and what it knows of the market',
    answer: networkState,
  }),
  getValidator: route({
    method: 'GET',
    path: '/v1/validator',
    scope: 'read',
    kind: 'json',
    summary: 'How this validator stands with its slots and its weights',
    description: 'NOTHING_MATCHED on a node that is no validator.',
    answer: validatorState,
  }),
}
