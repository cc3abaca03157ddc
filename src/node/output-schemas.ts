import { z } from 'zod'
import { FIELDS, type FieldType } from '../protocols/query/fields.ts'
import type { PeerRow } from './control/routes/peers.ts'
import type { NodeStatus } from './control/routes/status.ts'

/** What a command prints on stdout with `--json`. docs/cli.md shows it; tests hold real output against it. */
export interface OutputSchema {
  readonly describe: string
  readonly schema: z.ZodType
}

/** The JSON of every list: its rows, in order. */
const listOf = (row: z.ZodType): z.ZodType => z.strictObject({ items: z.array(row) })

const peerId = z.string().describe('PeerId')
const whole = z.number().int().nonnegative()

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
})

const peer: z.ZodType<PeerRow> = z.strictObject({
  peerId,
  addr: z.string(),
  direction: z.enum(['inbound', 'outbound']),
  connections: whole,
  encryption: z.string(),
  relayed: z.boolean(),
})

const factSchemas: Readonly<Record<FieldType, z.ZodType>> = {
  number: z.number(),
  money: z.string(),
  version: z.string(),
  boolean: z.boolean(),
  text: z.string(),
  words: z.string(),
}

/** Every field of the query language that is known of the offer, and what the language does not name. */
const offer = z.looseObject({
  ...Object.fromEntries(
    FIELDS.map(({ name, type, meaning }) => [name, factSchemas[type].optional().describe(meaning)]),
  ),
  id: z.string(),
  host_id: peerId,
  expiresAtMs: whole.describe('unix ms'),
  seq: whole,
  devices: z.array(z.looseObject({ id: z.string(), name: z.string() })),
})

const chainReady = z.strictObject({
  event: z.literal('ready'),
  url: z.string(),
  genesis: z.string().describe('what nodes take as --genesis'),
  stateRoot: z.string(),
  beacon: z.strictObject({
    name: z.string(),
    publicKey: z.string().describe('96 bytes in hex'),
    periodMs: whole,
    genesisMs: whole,
  }),
})

/** What every failed command prints last, on stdout, with `--json`. */
export const errorSchema = z.strictObject({
  error: z.strictObject({
    code: z.string().describe('names the party at fault first, e.g. BAD_CONFIG_LOCKED'),
    message: z.string(),
    next: z.string().optional().describe('the next step to take'),
  }),
})

/** By command; the unnamed one is the node. Commands that are absent print text or a tenant's bytes alone. */
export const outputSchemas: Readonly<Record<string, OutputSchema>> = {
  '': { describe: 'first line, once the node can be used', schema: ready },
  status: { describe: 'one document', schema: status },
  peers: { describe: 'a list', schema: listOf(peer) },
  offers: { describe: 'a list', schema: listOf(offer) },
  'chain dev': { describe: 'first line, once it answers', schema: chainReady },
  version: {
    describe: 'one document',
    schema: z.strictObject({ version: z.string(), node: z.string() }),
  },
}

/** Commands whose stdout is not theirs to shape. */
export const plainCommands: readonly string[] = ['completion']
