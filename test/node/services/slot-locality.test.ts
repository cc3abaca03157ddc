import { expect, test } from 'vitest'
import { timeOf } from '../../../src/beacon.ts'
import { sha256 } from '../../../src/bytes.ts'
import { decodeTranscript } from '../../../src/gpu/transcript.ts'
import type { Misbehaviour } from '../../../src/node/miner-run.ts'
import { verifyTranscript } from '../../../src/node/verify-transcript.ts'
import { eventually } from '../../support/nodes.ts'
import { createSlotMarket, type Member } from '../../support/slot-market.ts'

/** Walks another chain than its pulse asks for: every value of it is false. */
const far: Misbehaviour = { seed: (seed, work) => (work === 'locality' ? sha256(seed) : seed) }
/** Says nothing of a locality chain. */
const still: Misbehaviour = { sends: (_kind, _k, work) => work !== 'locality' }
/** Opens no locality chain. */
const secret: Misbehaviour = { openings: ({ residency, gemm }) => ({ residency, gemm }) }

test('a false, silent or withheld locality chain is told and leaves the slot VALID', {
  timeout: 240_000,
}, async () => {
  const market = createSlotMarket()
  const validator = await market.node('validator')
  const miners = new Map<string, Member>()
  for (const [name, misbehaviour] of Object.entries({ far, still, secret })) {
    miners.set(name, await market.node('miner', { misbehaviour }))
  }
  const said = (slot: number, name: string) => {
    const [word] = validator.parts.attestations.slots(slot, slot)[0]?.testimony ?? []
    const isIts = ({ miner }: { miner: string }) => miner === miners.get(name)!.peerId
    return { counted: word?.report?.rows.find(isIts), judged: word?.verdicts?.rows.find(isIts) }
  }
  const names = [...miners.keys()]
  /** Whether all is told that is to be told of a slot in which nobody was late. */
  const isTold = (slot: number): boolean =>
    names.every((name) => {
      const { counted, judged } = said(slot, name)
      const hops = name === 'still' || judged?.locality !== undefined
      return counted !== undefined && judged?.verdict === 'VALID' && hops
    })

  // A busy machine may lose a slot to its own slowness; one slot without that is what counts here.
  let slot = 0
  for (let tries = 0; tries < 8 && !isTold(slot); tries++) {
    slot = market.nextSlot()
    const over = timeOf(market.beacon, slot + 14)
    await eventually(() => isTold(slot) || Date.now() > over, 'the slot is over', 60_000)
  }
  const found = Object.fromEntries(names.map((name) => [name, said(slot, name)]))
  expect(found).toMatchObject({
    far: {
      counted: { checkpoints: expect.any(Number) },
      judged: { verdict: 'VALID', locality: { verdict: 'BAD_VALUE', at: [expect.any(Number)] } },
    },
    still: { counted: { checkpoints: 0 }, judged: { verdict: 'VALID' } },
    secret: { judged: { verdict: 'VALID', locality: { verdict: 'UNAVAILABLE' } } },
  })
  expect(found['still']!.judged).not.toHaveProperty('locality')
  expect(found['far']!.counted!.checkpoints).toBeGreaterThan(0)

  // Anyone finds the same, from the transcript alone.
  const { openings } = found['far']!.judged!
  const content = (await validator.parts.transcripts.get(openings!))!
  expect(decodeTranscript(content).locality).toBeDefined()
  expect(verifyTranscript(content)).toMatchObject({ verdict: 'VALID', locality: 'BAD_VALUE' })
})
