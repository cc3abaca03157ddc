import { expect, test } from 'vitest'
import { roundAt, timeOf } from '../../../src/beacon.ts'
import { sha256 } from '../../../src/bytes.ts'
import { slotNetworks } from '../../../src/gpu/slot-network.ts'
import { decodeTranscript } from '../../../src/gpu/transcript.ts'
import type { Misbehaviour } from '../../../src/node/miner-run.ts'
import { type VerdictRow, witnessHolds } from '../../../src/protocols/attestations.ts'
import { eventually } from '../../support/nodes.ts'
import { createSlotMarket, type Member } from '../../support/slot-market.ts'

const { stride } = slotNetworks.local
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
type Name = keyof typeof expected

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

  const isOf = (name: string) => (row: { readonly miner: string }) => nameOf(row.miner) === name
  const rowOf = (slot: number, about: Member, name: string) =>
    said(slot, first, about)?.report?.rows.find(isOf(name))
  const judgedOf = (slot: number, about: Member, name: string) =>
    said(slot, first, about)?.verdicts?.rows.find(isOf(name))
  /** Verdicts alone do not tell that a slot was too busy for what fails nobody: the locality chain, or an idle cheat's steps. */
  const isCounted = (slot: number, name: string): boolean =>
    [first, second].every((about) => {
      const { steps = 0, checkpoints = 0 } = rowOf(slot, about, name) ?? {}
      const { locality } = judgedOf(slot, about, name) ?? {}
      if (name === 'honest') return checkpoints > 0 && locality?.verdict === 'VALID'
      return name !== 'idle' || steps > 0
    })
  const isFound = (slot: number, name: string): boolean =>
    complete(slot) &&
    isCounted(slot, name) &&
    pairs.every(([by, about]) => verdictsOf(slot, by, about)[name] === expected[name as Name])

  // A busy machine costs one or the other miner a slot by its own slowness, and says so; for each, one without that counts.
  const from = market.nextSlot()
  const untilMs = timeOf(market.beacon, from + 8 * stride)
  const slots = new Map<string, number>()
  const look = (): boolean => {
    const past = (roundAt(market.beacon, Date.now()) - from) / stride
    const all = Array.from({ length: Math.max(0, Math.ceil(past)) }, (_, i) => from + i * stride)
    for (const name of miners.keys()) {
      const slot = slots.get(name) ?? all.find((one) => isFound(one, name))
      if (slot !== undefined) slots.set(name, slot)
    }
    return slots.size === miners.size
  }
  await eventually(() => look() || Date.now() > untilMs, 'slots were over', 180_000)
  expect([...slots.keys()].toSorted()).toEqual(Object.keys(expected).toSorted())
  for (const slot of slots.values()) {
    expect(said(slot, second, first)).toEqual(said(slot, first, first))
    for (const about of [first, second]) expect(said(slot, first, about)!.equivocated).toBe(false)
  }
  const slot = slots.get('honest')!
  for (const about of [first, second]) {
    const row = (name: string) => rowOf(slots.get(name)!, about, name)!
    for (const name of ['mute', 'forging']) expect(row(name)).toMatchObject({ passes: 0, steps: 0 })
    expect(row('idle')).toMatchObject({ passes: 0 })
    expect(row('idle').steps).toBeGreaterThan(0)
    expect(row('honest')).toMatchObject({ n: 256, bytes: 2 ** 20 })
    expect(row('honest').steps).toBeGreaterThan(0)
    expect(row('honest').passes).toBeGreaterThan(0)
    expect(row('honest').checkpoints).toBeGreaterThan(0)
  }

  // The transcript behind a VALID is at the validator's too, and the witness shows that it held it.
  const { verdicts } = said(slot, first, second)!
  const valid = judgedOf(slot, second, 'honest')!
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
