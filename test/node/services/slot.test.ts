import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { timeOf } from '../../../src/beacon.ts'
import { sha256 } from '../../../src/gpu/hash.ts'
import { decodeTranscript } from '../../../src/gpu/transcript.ts'
import type { Misbehaviour } from '../../../src/node/miner-run.ts'
import { type VerdictRow, witnessHolds } from '../../../src/protocols/attestations.ts'
import { eventually } from '../../support/nodes.ts'
import { createSlotMarket, type Member } from '../../support/slot-market.ts'

const flipFirst = (bytes: Uint8Array): Uint8Array => bytes.map((b, i) => (i === 0 ? b ^ 1 : b))
const flipLast = (bytes: Uint8Array): Uint8Array =>
  bytes.map((b, i) => (i === bytes.length - 1 ? b ^ 1 : b))
const cheats: Record<string, Misbehaviour> = {
  honest: {},
  corrupt: {
    openings: ({ residency, gemm }) => ({
      residency,
      gemm: { ...gemm, rows: flipFirst(gemm.rows) },
    }),
  },
  mute: { sends: (kind, k) => kind === 'tick' && k <= 2 },
  idle: { sends: (_kind, _k, work) => work !== 'residency' },
  withholding: { sends: (kind) => kind !== 'openings' },
  elsewhere: { seed: (seed, work) => (work === 'gemm' ? sha256(seed) : seed) },
  absent: { seed: (seed, work) => (work === 'residency' ? sha256(seed) : seed) },
  forging: { record: (bytes, kind) => (kind === 'final' ? flipLast(bytes) : bytes) },
  replaying: replayOfFirstTick(),
}

/** Sends its first tick again and again in place of later ones. */
function replayOfFirstTick(): Misbehaviour {
  let first: Uint8Array | undefined
  return {
    record(bytes, kind) {
      if (kind !== 'tick') return bytes
      first ??= bytes
      return first
    },
  }
}

const expected = {
  honest: 'VALID',
  corrupt: 'BAD_PATH gemm',
  idle: 'LATE_COMMIT',
  mute: 'LATE_COMMIT',
  withholding: 'UNAVAILABLE',
  elsewhere: 'BAD_VALUE gemm',
  absent: 'BAD_VALUE residency',
  forging: 'NOT HEARD',
  replaying: 'VALID',
}

test('a slot of real nodes: the honest are VALID, each cheat gets its signed reason', {
  timeout: 240_000,
}, async () => {
  const market = createSlotMarket()
  const [first, second] = [await market.node('validator'), await market.node('validator')]
  const miners = new Map<string, Member>()
  for (const [name, misbehaviour] of Object.entries(cheats)) {
    miners.set(name, await market.node('miner', { misbehaviour }))
  }
  const nameOf = (peerId: string): string =>
    [...miners].find(([, miner]) => miner.peerId === peerId)?.[0] ?? peerId
  const said = (slot: number, by: Member, about: Member) =>
    by.parts.attestations
      .slots(slot, slot)
      .flatMap(({ testimony }) => testimony)
      .find(({ validator }) => validator === about.peerId)
  // A stream with a forgery in it is left for a while: what else came in it was heard in the first slot alone.
  const told = ({ miner, verdict, work }: VerdictRow): string =>
    nameOf(miner) === 'forging' && ['LATE_COMMIT', 'SILENT'].includes(verdict)
      ? 'NOT HEARD'
      : [verdict, work ?? []].flat().join(' ')
  const verdictsOf = (slot: number, by: Member, about: Member) => {
    const rows = said(slot, by, about)?.verdicts?.rows ?? []
    return Object.fromEntries(rows.map((row) => [nameOf(row.miner), told(row)]))
  }
  const pairs = [
    [first, first],
    [first, second],
    [second, first],
    [second, second],
  ] as const
  const complete = (slot: number) =>
    pairs.every(([by, about]) => {
      const found = said(slot, by, about)
      return found?.report !== undefined && found.verdicts !== undefined
    })

  let slot = 0
  /** The locality chain has half a second and fails nobody: only its count tells that a slot was too busy for it. */
  const hasHops = ([by, about]: (typeof pairs)[number]): boolean => {
    const { report, verdicts } = said(slot, by, about)!
    const isHonest = ({ miner }: { miner: string }): boolean => nameOf(miner) === 'honest'
    const counted = report!.rows.find(isHonest)?.checkpoints ?? 0
    return counted > 0 && verdicts!.rows.find(isHonest)?.locality?.verdict === 'VALID'
  }

  // A busy machine may lose a slot to its own slowness, and says so; one slot without that is what counts here.
  for (let tries = 0; tries < 8; tries++) {
    slot = market.nextSlot()
    const over = timeOf(market.beacon, slot + 14)
    await eventually(() => complete(slot) || Date.now() > over, 'the slot is over', 60_000)
    const clean = ([by, about]: (typeof pairs)[number]) =>
      isDeepStrictEqual(verdictsOf(slot, by, about), expected)
    if (complete(slot) && pairs.every(clean) && pairs.every(hasHops)) break
  }
  for (const [by, about] of pairs) expect(verdictsOf(slot, by, about)).toEqual(expected)
  expect(said(slot, second, first)).toEqual(said(slot, first, first))
  for (const about of [first, second]) {
    const { report, equivocated } = said(slot, first, about)!
    expect(equivocated).toBe(false)
    const rows = Object.fromEntries(report!.rows.map((row) => [nameOf(row.miner), row]))
    expect(rows).toMatchObject({
      mute: { passes: 0, steps: 0 },
      forging: { passes: 0, steps: 0 },
      idle: { passes: 0 },
      honest: { n: 256, bytes: 2 ** 20 },
    })
    expect(rows['honest']!.steps).toBeGreaterThan(0)
    expect(rows['honest']!.passes).toBeGreaterThan(0)
    expect(rows['honest']!.checkpoints).toBeGreaterThan(0)
    expect(rows['idle']!.steps).toBeGreaterThan(0)
  }

  // The transcript behind a VALID is at the validator's too, and the witness shows that it held it.
  const { verdicts } = said(slot, first, second)!
  const valid = verdicts!.rows.find(({ verdict }) => verdict === 'VALID')!
  const content = (await first.parts.transcripts.get(valid.openings!))!
  expect(decodeTranscript(content)).toMatchObject({ peerId: valid.miner, slot })
  const { signature } = market.beacon.sign(slot + 4)
  const record = { publicKey: second.core.key.publicKey, payload: verdicts! }
  const holds = (bytes: Uint8Array) =>
    witnessHolds(first.core.net, record as never, valid, signature, bytes)
  expect(holds(content)).toBe(true)
  expect(holds(flipFirst(content))).toBe(false)

  const eventOf = () =>
    first.events.find(
      (one) =>
        one.event === 'slot-verdict' &&
        one['slot'] === slot &&
        one['miner'] === miners.get('honest')!.peerId,
    )
  await eventually(() => eventOf() !== undefined, 'the verdict is told')
  const event = eventOf()
  expect(event).toMatchObject({ validator: first.peerId, backend: 'cpu', verdict: 'VALID' })
  expect(event?.['steps']).toBeGreaterThan(0)
  expect(event?.['passes']).toBeGreaterThan(0)
  expect(event?.['gbps']).toBeGreaterThan(0)
  expect(event).toMatchObject({ locality: 'VALID', nsPerHop: expect.any(Number) })
  const own = miners.get('honest')!.events.map(({ event }) => event)
  expect(own).toContain('challenge-proved')
  expect(own).toContain('gpu-filled')
})
