import { setImmediate } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { FILL_UNIT_BYTES } from '../../../src/gpu/resident-fill.ts'
import type { Final } from '../../../src/gpu/slot.ts'
import { encodeTranscript, transcriptId } from '../../../src/gpu/transcript.ts'
import { silent } from '../../../src/log.ts'
import { createEvents } from '../../../src/node/events.ts'
import { weighAccusations } from '../../../src/node/services/weigh-accusations.ts'
import { verifyTranscript } from '../../../src/node/verify-transcript.ts'
import type { VerdictRow } from '../../../src/protocols/attestations.ts'
import { sealFinal } from '../../../src/protocols/challenge.ts'
import type { Fraud } from '../../../src/protocols/fraud.ts'
import { TOLD_TICK_BYTES } from '../../../src/told-ticks.ts'
import { testKey, testNet } from '../../support/market.ts'
import { eventually } from '../../support/nodes.ts'
import { honestProof } from '../../support/proof.ts'

const net = testNet()
const [miner, validator, self] = [testKey(1), testKey(2), testKey(3)]
const announced = {
  genesis: net.genesis,
  netuid: net.netuid,
  hotkey: miner.publicKey,
  peerId: miner.peerId,
  gpuId: 'cpu-0',
  n: 256,
  bytes: 2 * FILL_UNIT_BYTES,
}
/** Under `lie` its values are false; in a fork its Final tells of another first tick than its chain has. */
const made = async (lie?: 'gemm', isForked = false) => {
  const seal = (final: Final) => {
    const ticks = Uint8Array.from(final.ticks)
    if (isForked && final.work === 'gemm') ticks[TOLD_TICK_BYTES - 1]! ^= 1
    return sealFinal(net, miner, { ...final, ticks }).bytes
  }
  const proof = await honestProof(announced, 24, { passes: 2, steps: 2, first: 1 }, seal, lie)
  const content = encodeTranscript(proof.transcript)
  const heads = { residency: proof.finals.residency.head, gemm: proof.finals.gemm.head }
  return { content, id: transcriptId(content), heads }
}
const [honest, liar, forked] = [await made(), await made('gemm'), await made(undefined, true)]
const at = verifyTranscript(liar.content).at as number[]
const accusation = (of: typeof honest, change: Partial<VerdictRow> = {}): VerdictRow => ({
  miner: miner.peerId,
  hotkey: miner.publicKey,
  gpu: 'cpu-0',
  verdict: 'BAD_VALUE',
  openings: of.id,
  heads: of.heads,
  work: 'gemm',
  at,
  ...change,
})

const testimonyWith = (rows: readonly VerdictRow[]) => ({
  validator: validator.peerId,
  report: undefined,
  verdicts: { slot: 24, chunk: 0, rows: [...rows] },
  verdictIds: [],
  equivocated: false,
})

/** A node that holds all transcripts and hears accusations. */
async function listening(before: readonly VerdictRow[] = []) {
  const life = new AbortController()
  onTestFinished(() => life.abort())
  const events = createEvents(Date.now)
  const rows: VerdictRow[] = []
  const published: Fraud[] = []
  const held = new Set([honest, liar, forked])
  const service = weighAccusations({
    core: { events, log: silent, peerId: self.peerId },
    attestations: {
      slots: () => [{ slot: 24, testimony: [testimonyWith(before)] }],
      verdictsOn: () => rows.slice(-1).map((row) => ({ validator: validator.peerId, row })),
    },
    transcripts: {
      get: async (id) => [...held].find((one) => Buffer.compare(one.id, id) === 0)?.content,
    },
    frauds: {
      async publish(fraud) {
        published.push(fraud)
        return 'accept'
      },
    },
  })
  await service.start(life.signal)
  const seen = (by: string, { miner: peer, gpu, verdict }: VerdictRow): void =>
    events.emit('attestation-seen', { slot: 24, validator: by, miner: peer, gpu, verdict })
  return {
    published,
    held,
    hear(row: VerdictRow) {
      rows.push(row)
      seen(validator.peerId, row)
    },
    /** Its own check is done. */
    say: () => seen(self.peerId, accusation(honest, { verdict: 'VALID' })),
  }
}

test('a true accusation convicts the miner, a false one the validator', async () => {
  const node = await listening()
  node.hear(accusation(liar))
  await eventually(() => node.published.length === 1, 'the miner is convicted')
  expect(node.published[0]).toMatchObject({ kind: 'false-value', accused: miner.peerId })
  node.hear(accusation(honest))
  await eventually(() => node.published.length === 2, 'the validator is convicted')
  expect(node.published[1]).toMatchObject({
    kind: 'false-accusation',
    accused: validator.peerId,
    miner: miner.peerId,
  })
})

test('accusations that were kept before a start are weighed then', async () => {
  const node = await listening([accusation(honest, { verdict: 'VALID' }), accusation(liar)])
  await eventually(() => node.published.length > 0, 'the miner is convicted')
  expect(node.published).toMatchObject([{ kind: 'false-value', accused: miner.peerId }])
})

test('an accusation that comes before the transcript is weighed when this node has looked itself', async () => {
  const node = await listening()
  node.held.delete(honest)
  node.hear(accusation(honest))
  await setImmediate()
  expect(node.published).toEqual([])
  node.held.add(honest)
  node.say()
  await eventually(() => node.published.length > 0, 'the validator is convicted')
  expect(node.published).toMatchObject([
    { kind: 'false-accusation', accused: validator.peerId, miner: miner.peerId },
  ])
})

test('what this node cannot weigh it leaves alone', async () => {
  const node = await listening()
  for (const row of [
    accusation(honest, { openings: new Uint8Array(32) }),
    accusation(honest, { heads: liar.heads }),
    accusation(honest, { work: 'later' }),
    accusation(honest, { at: [9, 9, 9] }),
    accusation(honest, { verdict: 'BAD_PATH', at: [1, 2] }),
    accusation(honest, { verdict: 'VALID' }),
  ]) {
    node.hear(row)
  }
  node.hear(accusation(liar))
  await eventually(() => node.published.length > 0, 'the last is weighed')
  expect(node.published.map(({ kind }) => kind)).toEqual(['false-value'])
})

test('whatever openings are accused of, a Final of another chain convicts their miner, once', async () => {
  const node = await listening()
  node.hear(accusation(honest, { verdict: 'BAD_PATH', at: [1, 2] })) // its chain is one
  for (const verdict of ['EQUIVOCATION', 'BAD_PATH']) {
    node.hear(accusation(forked, { verdict, work: 'gemm', at: [1, 2] }))
  }
  await eventually(() => node.published.length > 0, 'the miner is convicted')
  node.hear(accusation(liar)) // what was heard before has been looked through by now
  await eventually(() => node.published.length > 1, 'the next is weighed')
  expect(node.published).toMatchObject([
    { kind: 'forked-chain', accused: miner.peerId, slot: 24, gpu: 'cpu-0' },
    { kind: 'false-value' },
  ])
})

test('a value that is true on a forked chain convicts the miner of the fork, and nobody else', async () => {
  const node = await listening([accusation(forked)])
  await eventually(() => node.published.length > 0, 'the miner is convicted')
  expect(node.published).toMatchObject([{ kind: 'forked-chain', accused: miner.peerId }])
})
