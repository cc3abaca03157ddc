import { expect, onTestFinished, test } from 'vitest'
import { FILL_UNIT_BYTES } from '../../src/gpu/resident-fill.ts'
import type { Final } from '../../src/gpu/slot.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import type { SparedGpu } from '../../src/gpu/slot-testimony.ts'
import { encodeTranscript, type Transcript, transcriptId } from '../../src/gpu/transcript.ts'
import { createVerifier } from '../../src/gpu/verifier.ts'
import { silent } from '../../src/log.ts'
import type { GivenVerdict } from '../../src/node/attestations.ts'
import { checkOpenings } from '../../src/node/check-openings.ts'
import { createEvents } from '../../src/node/events.ts'
import { createLookAgain } from '../../src/node/look-again.ts'
import { signPulse, type VerdictRow, witnessOf } from '../../src/protocols/attestations.ts'
import { sealFinal } from '../../src/protocols/challenge.ts'
import { testKey, testNet } from '../support/market.ts'
import { eventually } from '../support/nodes.ts'
import { honestProof } from '../support/proof.ts'

const net = testNet()
const slots = slotNetworks.local
const SLOT = 24
const [miner, self, other, liar] = [testKey(1), testKey(2), testKey(3), testKey(4)]
const announced = {
  genesis: net.genesis,
  netuid: net.netuid,
  hotkey: miner.publicKey,
  peerId: miner.peerId,
  gpuId: 'cpu-0',
  n: 256,
  bytes: 2 * FILL_UNIT_BYTES,
}
const seal = (final: Final): Uint8Array => sealFinal(net, miner, { ...final }).bytes
const counted = { passes: 2, steps: 2 }
const honest = await honestProof(announced, SLOT, counted, seal)
const lie = await honestProof(announced, SLOT, counted, seal, 'gemm')
type Proof = typeof honest

/** What peers hold: a transcript each, by its id. */
const holding = (held: readonly (readonly [peer: string, transcript: Transcript])[]) => ({
  ask: async (_: unknown, peer: string, request: unknown) => {
    const { id, offset } = request as { id: Uint8Array; offset: number }
    const contents = held.filter(([who]) => who === peer).map(([, one]) => encodeTranscript(one))
    const content = contents.find((one) => Buffer.compare(transcriptId(one), id) === 0)
    if (content === undefined) throw new Error('no such transcript')
    return { total: content.length, chunk: content.subarray(offset) }
  },
})
const idOf = (transcript: Transcript): Uint8Array => transcriptId(encodeTranscript(transcript))
const checkable = ({ statements, finals, pulses }: Proof) => {
  const { residency, gemm } = finals
  return { miner: miner.peerId, gpu: 'cpu-0', statements, finals: { residency, gemm }, pulses }
}
function verifying() {
  const verifier = createVerifier(silent)
  onTestFinished(() => verifier[Symbol.asyncDispose]())
  return verifier
}

test.each<[string, Proof, Partial<Transcript['gemm']>, string]>([
  ['an honest one', honest, {}, 'VALID'],
  ['a false value', lie, {}, 'BAD_VALUE'],
  ['a false value under a Final of nobody', lie, { final: new Uint8Array(200) }, 'BAD_SHAPE'],
  ['good work under a Final of nobody', honest, { final: new Uint8Array(200) }, 'BAD_SHAPE'],
  [
    'good work under the Final of another slot',
    honest,
    { final: seal({ ...honest.finals.gemm, slot: 36 }) },
    'BAD_SHAPE',
  ],
  [
    'a false value under another Final',
    lie,
    { final: honest.transcript.gemm.final },
    'EQUIVOCATION',
  ],
])('openings of %s: a verdict that anybody can check again', async (_, proof, change, verdict) => {
  const transcript = { ...proof.transcript, gemm: { ...proof.transcript.gemm, ...change } }
  const needs = {
    core: { net, log: silent },
    rpc: holding([[miner.peerId, transcript]]) as never,
    verifier: verifying(),
    transcripts: { put: async (content: Uint8Array) => transcriptId(content) },
    slots,
  }
  const pull = { ...checkable(proof), content: idOf(transcript), proveMs: 1 }
  const { signal } = new AbortController()
  const { result } = await checkOpenings(needs, pull, announced, { untilMs: 20_000, signal })
  expect(result === 'unchecked' ? result : result.ok ? 'VALID' : result.why).toBe(verdict)
})

const names = { miner: miner.peerId, hotkey: miner.publicKey, gpu: 'cpu-0' }
const headsOf = ({ finals }: Proof) => ({
  residency: finals.residency.head,
  gemm: finals.gemm.head,
})
const praise = (by: string, of: Proof, openings = idOf(of.transcript)) => ({
  validator: by,
  row: { ...names, verdict: 'VALID', openings, heads: headsOf(of), witness: openings },
})
const against = (verdict: string) => ({ validator: other.peerId, row: { ...names, verdict } })

/** A validator that was spared the check of a device, and what it says once others have spoken. */
function spared(
  proof: Proof,
  held: Parameters<typeof holding>[0],
  { isOffered = true, devices = 1 } = {},
) {
  const life = new AbortController()
  onTestFinished(() => life.abort())
  const events = createEvents(Date.now)
  const said: { validator: string; row: VerdictRow }[] = []
  const told: VerdictRow[] = []
  const lookAgain = createLookAgain({
    core: { net, log: silent, events, peerId: self.peerId },
    rpc: holding(held) as never,
    verifier: verifying(),
    transcripts: { put: async (content) => transcriptId(content) },
    attestations: {
      verdictsOn: (slot) => (slot === SLOT ? (said as unknown as GivenVerdict[]) : []),
    },
    testifier: {
      signPulse: (pulse) => signPulse(net, self, pulse),
      furtherVerdict: async (_, row) => void told.push(row),
    },
    // What nobody has is asked for until the slot's end: here for moments.
    slots: { ...slots, roundMs: 300 },
  })
  lookAgain.start(life.signal)
  const offered = { content: idOf(proof.transcript), proveMs: 1 }
  const one: SparedGpu = { ...checkable(proof), announced, ...(isOffered ? { offered } : {}) }
  const all = Array.from({ length: devices }, (_, i) => (i === 0 ? one : { ...one, gpu: `g${i}` }))
  lookAgain.remember(SLOT, all)
  const hear = (row: (typeof said)[number]): void => {
    said.push(row)
    for (const { gpu } of all) {
      events.emit('attestation-seen', { slot: SLOT, miner: miner.peerId, gpu })
    }
  }
  return { told, hear, lookAgain }
}

test('it looks once a VALID stands beside a verdict against the same openings, and not before', async () => {
  const { told, hear } = spared(honest, [[miner.peerId, honest.transcript]])
  for (const verdict of ['SILENT', 'LATE_COMMIT']) hear(against(verdict))
  hear(praise(liar.peerId, lie)) // of other heads than were heard here
  hear(against('BAD_PATH'))
  expect(told).toEqual([])
  hear(praise(liar.peerId, honest))
  await eventually(() => told.length > 0, 'it has looked', 30_000)
  const content = encodeTranscript(honest.transcript)
  const signature = signPulse(net, self, honest.pulses.open.signature)
  expect(told).toMatchObject([
    { ...names, verdict: 'VALID', witness: witnessOf(signature, content), heads: headsOf(honest) },
  ])
  hear(against('BAD_SHAPE'))
  expect(told).toHaveLength(1)
})

test('what the miner itself offered speaks against it; what others call VALID can only hold good', async () => {
  const cheat = spared(lie, [[miner.peerId, lie.transcript]])
  cheat.hear(against('BAD_VALUE'))
  cheat.hear(praise(liar.peerId, lie))
  await eventually(() => cheat.told.length > 0, 'it has looked', 30_000)
  expect(cheat.told).toMatchObject([{ verdict: 'BAD_VALUE', work: 'gemm', heads: headsOf(lie) }])

  // The miner is away and a liar names bytes of its own beside a validator that has the true ones.
  const held = [
    [liar.peerId, lie.transcript],
    [other.peerId, honest.transcript],
  ] as const
  const away = spared(honest, held, { isOffered: false })
  away.hear(against('UNAVAILABLE'))
  away.hear(praise(liar.peerId, honest, idOf(lie.transcript)))
  await eventually(() => away.told.length > 0, 'it has looked', 30_000)
  expect(away.told).toMatchObject([{ verdict: 'UNAVAILABLE' }])
  const found = spared(honest, held, { isOffered: false })
  const first = praise(liar.peerId, honest, idOf(lie.transcript))
  found.hear(first)
  found.hear(praise(other.peerId, honest))
  found.hear(against('UNAVAILABLE'))
  await eventually(() => found.told.length > 0, 'it has looked', 30_000)
  expect(found.told).toMatchObject([{ verdict: 'VALID' }])
})

test('a miner with many devices makes nobody look at more than a few', async () => {
  const { told, hear } = spared(honest, [[miner.peerId, honest.transcript]], { devices: 9 })
  hear(praise(liar.peerId, honest))
  hear(against('BAD_PATH'))
  await eventually(() => told.length === 4, 'it has looked at some', 60_000)
  hear(against('BAD_SHAPE'))
  expect(told).toHaveLength(4)
})
