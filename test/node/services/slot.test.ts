import { expect, test } from 'vitest'
import { timeOf } from '../../../src/beacon.ts'
import { sha256 } from '../../../src/gpu/hash.ts'
import { decodeTranscript } from '../../../src/gpu/transcript.ts'
import type { Misbehaviour } from '../../../src/node/services/answer-challenges.ts'
import { witnessHolds } from '../../../src/protocols/attestations.ts'
import { eventually } from '../../support/nodes.ts'
import { createSlotMarket } from '../../support/slot-market.ts'

const flipFirst = (bytes: Uint8Array): Uint8Array => bytes.map((b, i) => (i === 0 ? b ^ 1 : b))
const cheats: Record<string, Misbehaviour> = {
  honest: {},
  corrupt: { openings: (openings) => ({ ...openings, rows: flipFirst(openings.rows) }) },
  mute: { sends: (kind, k) => kind === 'tick' && k <= 2 },
  withholding: { sends: (kind) => kind !== 'openings' },
  elsewhere: { seed: (seed) => sha256(seed) },
}

test('one slot of real nodes: the honest are VALID, each cheat gets its signed reason', {
  timeout: 120_000,
}, async () => {
  const market = createSlotMarket(8000)
  const validators = [await market.node('validator'), await market.node('validator')]
  const miners = new Map<string, Awaited<ReturnType<typeof market.node>>>()
  for (const [name, misbehaviour] of Object.entries(cheats)) {
    miners.set(name, await market.node('miner', { misbehaviour }))
  }
  const nameOf = (peerId: string): string | undefined =>
    [...miners].find(([, miner]) => miner.peerId === peerId)?.[0]
  const [first, second] = validators
  const said = (by: typeof first, about: typeof first) =>
    by!.parts.attestations
      .slots(market.slot, market.slot)
      .flatMap(({ testimony }) => testimony)
      .find(({ validator }) => validator === about!.peerId)
  const complete = () =>
    validators.every((by) =>
      validators.every((about) => {
        const found = said(by, about)
        return found?.report !== undefined && found.verdicts !== undefined
      }),
    )
  await eventually(complete, 'both validators know both testimonies', 60_000)

  for (const about of validators) {
    const { verdicts, report, equivocated } = said(first, about)!
    expect(equivocated).toBe(false)
    const found = verdicts!.rows.map((row) => [nameOf(row.miner), row.verdict])
    expect(Object.fromEntries(found)).toEqual({
      honest: 'VALID',
      corrupt: 'BAD_PATH',
      mute: 'LATE_COMMIT',
      withholding: 'UNAVAILABLE',
      elsewhere: 'BAD_VALUE',
    })
    const counts = report!.rows.map((row) => [nameOf(row.miner), row.steps > 0])
    expect(Object.fromEntries(counts)).toMatchObject({ honest: true, mute: false })
    expect(said(second, about)).toEqual(said(first, about))
  }

  // The transcript behind a VALID is at the validator's too, and the witness shows that it held it.
  const valid = said(first, second)!.verdicts!.rows.find(({ verdict }) => verdict === 'VALID')!
  const content = (await first!.parts.transcripts.get(valid.openings!))!
  expect(decodeTranscript(content)).toMatchObject({ peerId: valid.miner, slot: market.slot })
  const pulse = market.beacon.sign(market.slot + 4)
  const record = { publicKey: second!.core.key.publicKey, payload: said(first, second)!.verdicts! }
  const holds = (bytes: Uint8Array) =>
    witnessHolds(first!.core.net, record as never, valid, pulse.signature, bytes)
  expect(holds(content)).toBe(true)
  expect(holds(flipFirst(content))).toBe(false)

  const told = first!.events.find((e) => e.event === 'slot-verdict' && e['verdict'] === 'VALID')
  expect(told).toMatchObject({ slot: market.slot, validator: first!.peerId, backend: 'cpu' })
  expect(told?.['steps']).toBeGreaterThan(0)
  expect(miners.get('honest')!.events.map((e) => e.event)).toContain('challenge-proved')
  expect(Date.now()).toBeGreaterThan(timeOf(market.beacon, market.slot + 9))
})
