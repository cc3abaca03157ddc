import { expect, test, vi } from 'vitest'
import { devBeacon, timeOf } from '../../src/beacon.ts'
import { NodeError } from '../../src/errors.ts'
import type { Announcement } from '../../src/gpu/slot.ts'
import { slotNetworks, works } from '../../src/gpu/slot-network.ts'
import { fillRoundOf, windowOf } from '../../src/gpu/slot-schedule.ts'
import { ticksOf } from '../../src/gpu/tick-chain.ts'
import { silent } from '../../src/log.ts'
import { ValidatorRun, type ValidatorRunParts } from '../../src/node/validator-run.ts'
import { testNet } from '../support/market.ts'

const slots = slotNetworks.local
const SLOT = 24
const beacon = devBeacon(new Uint8Array(32).fill(5), 1000, 0)
const net = testNet()
const of = (value: number): Uint8Array => new Uint8Array(32).fill(value)

const gpuOf = (peerId: string, i: number): Announcement => ({
  ...{ genesis: net.genesis, netuid: net.netuid, hotkey: of(1), peerId, gpuId: `cpu-${i}` },
  ...{ n: 256, bytes: 2 ** 20 },
})

test('of one miner a few proofs are under way at a time, of another as many beside them', async () => {
  const gpus = [
    ...Array.from({ length: 10 }, (_, i) => gpuOf('greedy', i)),
    ...Array.from({ length: 2 }, (_, i) => gpuOf('other', i)),
  ]
  const asked: { peer: string; fail: () => void }[] = []
  const rpc = {
    ask: (_: unknown, peer: string) =>
      new Promise((_resolve, reject) => {
        const fail = () => reject(new NodeError('PEER_BAD_TRANSCRIPT', 'as asked'))
        asked.push({ peer, fail })
      }),
  }
  const life = new AbortController()
  const core = { net, log: silent, nowMs: () => timeOf(beacon, SLOT + slots.open) }
  const parts = { core, rpc, pulses: { beacon }, slots, checks: () => true }
  const run = new ValidatorRun(
    parts as unknown as ValidatorRunParts,
    SLOT,
    gpus,
    new Set(),
    life.signal,
  )
  const pulse = (round: number) =>
    run.handle({ type: 'pulse', pulse: beacon.sign(round), atMs: timeOf(beacon, round) })
  pulse(fillRoundOf(slots, SLOT)!)
  for (const offset of Object.values(slots.starts)) pulse(SLOT + offset)
  for (const { peerId: miner, gpuId: gpu } of gpus) {
    for (const work of works) {
      const tick = { slot: SLOT, gpu, work, k: 1, count: 2, head: of(2) }
      const { untilMs } = windowOf(slots, beacon, SLOT, work)
      run.handle({ type: 'tick', miner, tick, atMs: untilMs - 100 })
      const final = { ...tick, ticks: ticksOf([of(1), tick.head], [tick.count]) }
      run.handle({ type: 'final', miner, tick: final, atMs: untilMs + 100 })
    }
    run.handle({ type: 'openings', miner, gpu, content: of(3), proveMs: 1 })
  }
  expect(asked).toEqual([])
  pulse(SLOT + slots.open)
  const underWay = (peer: string): number => asked.filter((one) => one.peer === peer).length
  await vi.waitFor(() => expect([underWay('greedy'), underWay('other')]).toEqual([4, 2]))
  // Each that ends lets the next one begin, whatever came of it.
  asked[0]!.fail()
  await vi.waitFor(() => expect(underWay('greedy')).toBe(5))
  for (let i = 1; underWay('greedy') < 10; i++) {
    const before = asked.length
    asked[i]!.fail()
    if (asked[i]!.peer === 'greedy') await vi.waitFor(() => expect(asked.length).toBe(before + 1))
  }
  expect(underWay('other')).toBe(2)
  life.abort()
  for (const { fail } of asked) fail()
})
