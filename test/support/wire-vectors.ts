import { bandwidth, carriedCodec } from '../../src/protocols/bandwidth.ts'
import {
  bindingMessage,
  classKey,
  sealCapability,
  shardOf,
} from '../../src/protocols/capability.ts'
import { capabilityKey } from '../../src/protocols/capability-dht.ts'
import { type Codec, encodeCbor } from '../../src/protocols/codec.ts'
import { gossipMessageId } from '../../src/protocols/gossip.ts'
import {
  createNetwork,
  KNOWN_GENESIS,
  type Network,
  wireName,
} from '../../src/protocols/network.ts'
import { offerId, sealOffer, sealWithdrawal, withdrawalOf } from '../../src/protocols/offers.ts'
import type { Signed } from '../../src/protocols/signed.ts'
import { SYNC_PAGE_BYTES, sync } from '../../src/protocols/sync.ts'
import { capabilityOf, NOW_MS, offerOf, testKey, testNet } from './market.ts'

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
export const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

/** JSON for values that hold bytes: `{"hex": "…"}` stands for them. */
export const tagged = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return { hex: hex(value) }
  if (Array.isArray(value)) return value.map(tagged)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, tagged(item)]))
}
/** The opposite of `tagged`. */
export const untagged = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(untagged)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value)
  if (entries.length === 1 && typeof (value as { hex?: unknown }).hex === 'string') {
    return unhex((value as { hex: string }).hex)
  }
  return Object.fromEntries(entries.map(([key, item]) => [key, untagged(item)]))
}

const cborValues: unknown[] = [
  0,
  1,
  23,
  24,
  255,
  256,
  65_535,
  65_536,
  2 ** 32 - 1,
  2 ** 32,
  Number.MAX_SAFE_INTEGER,
  -1,
  -24,
  -25,
  -256,
  Number.MIN_SAFE_INTEGER,
  true,
  false,
  null,
  '',
  'a',
  'ü€',
  'x'.repeat(24),
  new Uint8Array(0),
  Uint8Array.of(1, 2, 3),
  [],
  [1, [2, [3]]],
  {},
  { b: 1, a: 2, aa: 3, '': 4 },
  { peerId: 'x', lot: 0, nested: { seq: 2 ** 40, bytes: Uint8Array.of(255) } },
]

/** Bytes that no node may accept, and what is wrong with them. */
const cborRefused: [string, string][] = [
  ['f93c00', 'a float (1.0, half)'],
  ['fb3ff0000000000000', 'a float (1.0, double)'],
  ['1800', 'a number not in its shortest form'],
  ['190017', 'a number not in its shortest form'],
  ['1b0020000000000000', 'an integer of 2^53'],
  ['5f4101ff', 'bytes of indefinite length'],
  ['9f01ff', 'an array of indefinite length'],
  ['bf616101ff', 'a map of indefinite length'],
  ['a2616201616102', 'keys out of order'],
  ['a262616101616202', 'keys out of order: the shorter comes first'],
  ['a2616101616102', 'a key twice'],
  ['a10102', 'a key that is no text'],
  ['c000', 'a tag'],
  ['f7', 'undefined'],
  ['f0', 'a simple value'],
  ['0000', 'bytes after the value'],
  ['', 'nothing at all'],
  ['62c328', 'text that is no UTF-8'],
  [`${'81'.repeat(17)}00`, 'nested 17 deep'],
  ['9a7fffffff', 'an array longer than its bytes'],
  ['5affffffff00', 'bytes longer than there are'],
]

const networks: [Network['network'], number, string][] = [
  ['finney', 51, KNOWN_GENESIS.finney!],
  ['finney', 0, KNOWN_GENESIS.finney!],
  ['test', 65_535, KNOWN_GENESIS.test!],
  ['local', 1, '07'.repeat(32)],
]

const describe = (payload: unknown, type: number, record: Signed<unknown>) => ({
  type,
  payload: tagged(payload),
  payloadHex: hex(encodeCbor(payload)),
  id: hex(record.id),
  signature: hex(record.signature),
  record: hex(record.bytes),
})

function records(net: Network) {
  const key = testKey(1)
  const gpus = {
    ...offerOf(key),
    hotkey: new Uint8Array(32).fill(9),
    devices: [
      {
        id: '0000:01:00.0',
        vendor: 'nvidia',
        name: 'NVIDIA H100 80GB HBM3',
        vramMiB: 81_559,
        driver: '550.54.15',
        computeCapability: '9.0',
        measured: {
          bandwidthMBps: 2_900_000,
          mops: 800_000_000,
          attestations: [new Uint8Array(32).fill(3)],
        },
      },
    ],
    dph: '2.5',
    futureField: { kept: true },
  }
  const withdrawal = withdrawalOf(offerOf(key), NOW_MS + 5)
  const [device] = capabilityOf(key).devices
  const proving = {
    ...capabilityOf(key),
    devices: [{ ...device!, id: 'pci-0', proofN: 16_384, proofBytes: 72 * 2 ** 30 }],
  }
  const leased = {
    ...proving,
    devices: [
      {
        ...{ ...proving.devices[0]!, leasedN: 8192, leasedBytes: 2 ** 30 },
        ...{ mode: 'leased', modeFromMs: NOW_MS + 30_000, modeBefore: 'idle' },
      },
    ],
  }
  return {
    capability: describe(capabilityOf(key), 1, sealCapability(net, key, capabilityOf(key))),
    capabilityOfProofs: describe(proving, 1, sealCapability(net, key, proving)),
    capabilityOfModes: describe(leased, 1, sealCapability(net, key, leased)),
    offer: describe(offerOf(key), 2, sealOffer(net, key, offerOf(key))),
    offerOfGpus: describe(gpus, 2, sealOffer(net, key, gpus)),
    offerId: hex(offerId(net, sealOffer(net, key, offerOf(key)))),
    withdrawal: describe(withdrawal, 3, sealWithdrawal(net, key, withdrawal)),
  }
}

const message = <T>(codec: Codec<T>, value: T) => ({
  value: tagged(value),
  hex: hex(codec.encode(value)),
})

/** Requests and answers of protocols that carry no signed record of their own. */
function messages(net: Network) {
  const key = testKey(1)
  const records = [
    sealOffer(net, key, offerOf(key)).bytes,
    sealWithdrawal(net, key, withdrawalOf(offerOf(key), NOW_MS + 5)).bytes,
  ]
  const cursor = Buffer.from('run/41')
  const { request, response } = sync
  return {
    syncFirst: message(request, { topic: 'offers', maxBytes: SYNC_PAGE_BYTES }),
    syncOn: message(request, { topic: 'notices', cursor: new Uint8Array(cursor), maxBytes: 4096 }),
    syncPage: message(response, { records, next: new Uint8Array(cursor) }),
    syncLastPage: message(response, { records: [], resume: new Uint8Array(cursor) }),
    syncNothing: message(response, { records: [] }),
    bandwidth: message(bandwidth.request, { direction: 'up', maxBytes: 2 ** 26, maxMs: 2000 }),
    bandwidthCarried: message(carriedCodec, { bytes: 2 ** 25, ms: 1999 }),
  }
}

/** Everything that another implementation must reproduce byte for byte. */
export function wireVectors() {
  const net = testNet()
  const key = testKey(1)
  const topics = [wireName(net, 'offers'), wireName(net, 'notices'), 'ü']
  const bound = {
    hotkey: new Uint8Array(32).fill(5),
    seq: NOW_MS,
    expiresAtBlock: 1_000_000,
    peerKey: key.publicKey,
  }
  return {
    about:
      'Bytes that every implementation must produce: DESIGN.md, "Bytes" and "Names on the wire". Written by test/support/write-wire-vectors.ts; a change here is a new version of the protocol.',
    networks: networks.map(([network, netuid, genesis]) => {
      const made = createNetwork(network, netuid, unhex(genesis))
      return {
        network,
        netuid,
        genesis,
        digest: hex(made.digest),
        name: made.name,
        lease: wireName(made, 'lease'),
      }
    }),
    cbor: cborValues.map((value) => ({ value: tagged(value), hex: hex(encodeCbor(value)) })),
    cborRefused: cborRefused.map(([bytes, why]) => ({ hex: bytes, why })),
    messageIds: topics.flatMap((topic) =>
      ['', '00', 'deadbeef'].map((data) => ({
        topic,
        data,
        id: hex(gossipMessageId(topic, unhex(data))),
      })),
    ),
    signer: {
      seed: '01'.repeat(32),
      publicKey: hex(key.publicKey),
      peerId: key.peerId,
      netDigest: hex(net.digest),
    },
    records: records(net),
    messages: messages(net),
    dht: {
      capabilityKey: hex(capabilityKey(key.peerId)),
      shard: shardOf(key.publicKey),
      classKeys: [
        ['cpu', 0, 20_254],
        ['gpu:h100-sxm', 15, 20_255],
      ].map(([name, shard, day]) => ({
        class: name,
        shard,
        day,
        cid: classKey(net, name as string, shard as number, day as number).toString(),
      })),
    },
    binding: { ...(tagged(bound) as object), message: hex(bindingMessage(net, bound)) },
  }
}
