import { expect, test } from 'vitest'
import { sha256 } from '../../../src/bytes.ts'
import { sealFinal, sealTick } from '../../../src/protocols/challenge.ts'
import { type FinalClaim, finalCodec, tickCodec } from '../../../src/protocols/claims.ts'
import { openRecord, recordTypes } from '../../../src/protocols/signed.ts'
import { TOLD_TICK_BYTES, tellTicks } from '../../../src/told-ticks.ts'
import { eventually } from '../../support/nodes.ts'
import { createSlotMarket, type Member } from '../../support/slot-market.ts'

const later = (bytes: Uint8Array, { net, key }: Member['core']): Uint8Array => {
  const { payload } = openRecord(net, recordTypes.tick, tickCodec, bytes)
  return sealTick(net, key, { ...payload, slot: 2 ** 50 + payload.k }).bytes
}

const against = ({ parts }: Member, miner: Member) =>
  parts.frauds.proofs().filter((proof) => proof.miner === miner.peerId)

test('real nodes: whoever shows a false value is convicted at everyone; the honest is not', {
  timeout: 240_000,
}, async () => {
  const market = createSlotMarket()
  const [first, second] = [await market.node('validator'), await market.node('validator')]
  const liar = await market.node('miner', {
    misbehaviour: { seed: (seed, work) => (work === 'gemm' ? sha256(seed) : seed) },
  })
  const honest = await market.node('miner')
  const everyone = [first, second, liar, honest]
  await eventually(
    () => everyone.every((member) => against(member, liar).length > 0),
    'the liar is convicted everywhere',
    180_000,
  )
  for (const member of everyone) {
    expect(new Set(against(member, liar).map(({ reason }) => reason))).toEqual(
      new Set(['BAD_VALUE']),
    )
    expect(against(member, honest)).toEqual([])
    for (const { slot } of against(member, liar)) {
      expect([...member.parts.frauds.liars(slot)]).toEqual([])
    }
  }
  const proven = first.events.find(({ event }) => event === 'fraud-proven')
  expect(proven).toMatchObject({ kind: 'false-value', accused: liar.peerId, gpu: 'cpu-0' })
})

test('real nodes: whoever opens under another Final than it sent is convicted of both', {
  timeout: 240_000,
}, async () => {
  const market = createSlotMarket()
  const validator = await market.node('validator')
  let twoFaced: Member | undefined
  // Its transcript holds the Final it signed first; what it sends is another one. Its ticks are of slots to come, so that
  // a memory which it could fill would lose what it said of this one.
  const record = (bytes: Uint8Array, kind: string): Uint8Array => {
    if (kind === 'openings' || twoFaced === undefined) return bytes
    const { net, key } = twoFaced.core
    if (kind === 'tick') return later(bytes, twoFaced.core)
    const { payload } = openRecord(net, recordTypes.final, finalCodec, bytes)
    const head = sha256(payload.head)
    const before = payload.ticks.slice(0, -TOLD_TICK_BYTES)
    const last = tellTicks([{ count: payload.count, head }])
    const other: FinalClaim = { ...payload, head, ticks: Buffer.concat([before, last]) }
    return payload.work === 'gemm' ? sealFinal(net, key, other).bytes : bytes
  }
  twoFaced = await market.node('miner', { misbehaviour: { record } })
  const miner = twoFaced
  await eventually(
    () => against(validator, miner).length > 0,
    'the miner is convicted of its two tales',
    180_000,
  )
  expect(against(validator, miner)[0]).toMatchObject({ reason: 'EQUIVOCATION', gpu: 'cpu-0' })
})
