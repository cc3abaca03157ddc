import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { FILL_UNIT_BYTES } from '../../../src/gpu/resident-fill.ts'
import { encodeTranscript, transcriptId } from '../../../src/gpu/transcript.ts'
import { silent } from '../../../src/log.ts'
import type { GivenVerdict } from '../../../src/node/attestations.ts'
import { createEvents } from '../../../src/node/events.ts'
import { createFalseWitnesses } from '../../../src/node/false-witnesses.ts'
import { checkWitnesses } from '../../../src/node/services/check-witnesses.ts'
import { openStore } from '../../../src/node/store.ts'
import {
  sealVerdicts,
  signPulse,
  type VerdictRow,
  witnessOf,
} from '../../../src/protocols/attestations.ts'
import { sealFinal } from '../../../src/protocols/challenge.ts'
import { testKey, testNet } from '../../support/market.ts'
import { eventually } from '../../support/nodes.ts'
import { beacon, honestProof } from '../../support/proof.ts'

const net = testNet()
const SLOT = 24
const [miner, self, honest, liar, copier] = [1, 2, 3, 4, 5].map(testKey) as [
  ReturnType<typeof testKey>,
  ReturnType<typeof testKey>,
  ReturnType<typeof testKey>,
  ReturnType<typeof testKey>,
  ReturnType<typeof testKey>,
]
type Key = typeof miner
const announced = {
  genesis: net.genesis,
  netuid: net.netuid,
  hotkey: miner.publicKey,
  peerId: miner.peerId,
  gpuId: 'cpu-0',
  n: 256,
  bytes: 2 * FILL_UNIT_BYTES,
}
const proof = await honestProof(
  announced,
  SLOT,
  { passes: 2, steps: 2 },
  (final) => sealFinal(net, miner, { ...final }).bytes,
)
const content = encodeTranscript(proof.transcript)
const openings = transcriptId(content)
const heads = { residency: proof.finals.residency.head, gemm: proof.finals.gemm.head }
const pulse = proof.pulses.open.signature
const gpu = { miner: miner.peerId, hotkey: miner.publicKey, gpu: 'cpu-0' }

/** A VALID of one validator: honest about its bytes unless it has another's pulse signature, or a witness of other bytes. */
function valid(by: Key, { signer = by, of = content } = {}, change: Partial<VerdictRow> = {}) {
  const pulseSignature = signPulse(net, signer, pulse)
  const witness = witnessOf(pulseSignature, of)
  const row: VerdictRow = { ...gpu, verdict: 'VALID', openings, heads, witness, ...change }
  const record = sealVerdicts(net, by, { slot: SLOT, chunk: 0, pulseSignature, rows: [row] })
  return { validator: by.peerId, row, record }
}

/** A node that hears verdicts, and has the transcript once it says so. */
async function listening() {
  const folder = await mkdtemp(join(tmpdir(), 'check-witnesses-'))
  const store = await openStore(folder)
  const life = new AbortController()
  onTestFinished(async () => {
    life.abort()
    await store[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })
  const nowMs = () => beacon.genesisMs + SLOT * beacon.periodMs
  const events = createEvents(nowMs)
  const core = { net, events, log: silent, peerId: self.peerId, store, nowMs }
  const witnesses = await createFalseWitnesses(core, beacon)
  const said: GivenVerdict[] = []
  const asked: string[] = []
  const held: Uint8Array[] = []
  const service = checkWitnesses({
    core,
    attestations: { verdictsOn: (slot) => (slot === SLOT ? said : []) },
    transcripts: {
      async get(id) {
        asked.push(Buffer.from(id).toString('hex'))
        return held.find((one) => Buffer.compare(transcriptId(one), id) === 0)
      },
    },
    witnesses,
  })
  await service.start(life.signal)
  const hear = (given: GivenVerdict): void => {
    said.push(given)
    const { validator, row } = given
    const { miner: peer, gpu: device, verdict } = row
    events.emit('attestation-seen', { slot: SLOT, validator, miner: peer, gpu: device, verdict })
  }
  const isFalse = (key: Key): boolean => witnesses.isFalse(SLOT, key.peerId)
  return { hear, isFalse, asked, hold: () => held.push(content) }
}

test('a VALID of bytes that its validator never had is found out, an honest one is not', async () => {
  const node = await listening()
  node.hold()
  node.hear(valid(honest))
  // It saw another's witness and signature over the pulse, and repeats both as its own.
  node.hear(valid(copier, { signer: honest }))
  node.hear(valid(liar, { of: new Uint8Array(32) }))
  await eventually(() => node.isFalse(liar), 'the last is looked at')
  expect(node.isFalse(copier)).toBe(true)
  expect(node.isFalse(honest)).toBe(false)
})

test('what comes before the transcript waits for this node to have it', async () => {
  const node = await listening()
  node.hear(valid(liar, { of: new Uint8Array(32) }))
  node.hear(valid(honest))
  await eventually(() => node.asked.length === 2, 'both are looked up')
  expect(node.isFalse(liar)).toBe(false)
  node.hold()
  node.hear(valid(self)) // it has looked itself, so it has the bytes
  await eventually(() => node.isFalse(liar), 'what waited is looked at')
  expect(node.isFalse(honest)).toBe(false)
})

test('nothing but the VALID of another is held against its bytes', async () => {
  const node = await listening()
  node.hold()
  node.hear(valid(copier, {}, { verdict: 'BAD_SHAPE', witness: new Uint8Array(32) }))
  node.hear(valid(self, { of: new Uint8Array(32) }))
  node.hear(valid(liar, { of: new Uint8Array(32) }))
  await eventually(() => node.isFalse(liar), 'the last is looked at')
  expect(node.isFalse(copier)).toBe(false)
  expect(node.isFalse(self)).toBe(false)
  // Once found out it costs nothing more in that slot.
  const before = node.asked.length
  node.hear(valid(liar, { of: new Uint8Array(64) }))
  node.hear(valid(honest))
  await eventually(() => node.asked.length > before, 'the honest one is looked up')
  expect(node.asked).toHaveLength(before + 1)
})
