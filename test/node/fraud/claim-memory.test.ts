import { expect, test } from 'vitest'
import { ClaimMemory } from '../../../src/node/fraud/claim-memory.ts'
import { sealFinal, sealTick } from '../../../src/protocols/challenge.ts'
import type { TickClaim } from '../../../src/protocols/claims.ts'
import { openClaim } from '../../../src/protocols/fraud.ts'
import { claim, close, miner } from '../../support/fraud.ts'
import { testKey, testNet } from '../../support/market.ts'

const net = testNet()
const tick = (change: Partial<TickClaim> = {}, by = miner) => sealTick(net, by, claim(change)).bytes
const final = (change: Partial<TickClaim> = {}) => sealFinal(net, miner, close(change)).bytes
/** A memory that hears bytes, as a miner's stream brings them. */
function memoryOf() {
  const memory = new ClaimMemory()
  const hear = (bytes: Uint8Array) => memory.hear(openClaim(net, bytes), bytes)
  return { hear, forget: (slot: number) => memory.forget(slot) }
}
const head = new Uint8Array(32).fill(9)

test('one story is heard as often as it is told', () => {
  const memory = memoryOf()
  for (let k = 1; k <= 3; k++) expect(memory.hear(tick({ k, count: 10 * k }))).toBeUndefined()
  for (const again of [tick(), tick({ k: 1, count: 10 }), final()]) {
    expect(memory.hear(again)).toBeUndefined()
  }
})

test('a second story comes back with the first', () => {
  const memory = memoryOf()
  memory.hear(tick())
  expect(memory.hear(tick({ head }))).toEqual([tick(), tick({ head })])
  memory.hear(final())
  expect(memory.hear(final({ k: 4, count: 40, head }))).toEqual([
    final(),
    final({ k: 4, count: 40, head }),
  ])
})

test('other peers, devices, works and slots have stories of their own', () => {
  const memory = memoryOf()
  memory.hear(tick())
  for (const other of [
    tick({ head }, testKey(9)),
    tick({ head, gpu: 'cpu-1' }),
    tick({ head, work: 'residency' }),
    tick({ head, slot: 36 }),
  ]) {
    expect(memory.hear(other)).toBeUndefined()
  }
})

test('a slot that is over is forgotten, and a flood of ticks is not kept', () => {
  const memory = memoryOf()
  memory.hear(tick())
  for (const slot of [36, 48, 2 ** 50, 2 ** 50 + 1]) memory.hear(tick({ slot }))
  expect(memory.hear(tick({ head }))).toHaveLength(2)
  memory.forget(24)
  expect(memory.hear(tick({ head }))).toBeUndefined()
  for (let k = 1; k <= 40; k++) memory.hear(tick({ slot: 48, gpu: 'g', k, count: k }))
  const [last, first] = [40, 1].map((k) => tick({ slot: 48, gpu: 'g', k, count: k, head }))
  expect(memory.hear(last!)).toBeUndefined()
  expect(memory.hear(first!)).toHaveLength(2)
})
