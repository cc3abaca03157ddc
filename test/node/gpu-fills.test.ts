import { expect, test } from 'vitest'
import { devBeacon, type Pulse, timeOf } from '../../src/beacon.ts'
import { NodeError } from '../../src/errors.ts'
import type { ProofSizes } from '../../src/gpu/backend.ts'
import type { FillJob, Prover } from '../../src/gpu/prover.ts'
import { type Announcement, fillSeed } from '../../src/gpu/slot.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { silent } from '../../src/log.ts'
import { createEvents } from '../../src/node/events.ts'
import { createGpuFills, type ProvingGpu } from '../../src/node/gpu-fills.ts'
import { createProofRoom } from '../../src/node/proof-room.ts'
import type { PulseBook } from '../../src/node/pulse-book.ts'

const beacon = devBeacon(new Uint8Array(32).fill(3), 1000, 0)
const slots = slotNetworks.local
const gpuOf = (gpuId: string, over: Partial<Announcement> = {}): Announcement => ({
  genesis: new Uint8Array(32),
  netuid: 1,
  hotkey: new Uint8Array(32).fill(2),
  peerId: 'miner',
  gpuId,
  n: 512,
  bytes: 2 ** 20,
  ...over,
})

/** Devices whose provers do what the test says, and a book with the pulses of `known` rounds. */
function world(known: number[], ids: string[] = ['a']) {
  const clock = { nowMs: timeOf(beacon, 12) }
  const rounds = new Set(known)
  const pulse = (round: number): Pulse => beacon.sign(round)
  const book: PulseBook = {
    beacon,
    get: (round) => (rounds.has(round) ? pulse(round) : undefined),
    newest: () => undefined,
    clockFault: () => undefined,
    offer: async () => 'accept',
    check: async () => 'accept',
    subscribe: () => undefined,
  }
  const did: string[] = []
  const seeds: Uint8Array[] = []
  const waiting: (() => void)[] = []
  const control = { hangs: false, fails: false, isFull: false, works: false }
  const proverOf = (id: string) =>
    ({
      async prepare({ n, bytes }: ProofSizes) {
        did.push(`${id} prepare ${n} ${bytes}`)
        if (!control.isFull) return
        throw new NodeError('GPU_PROVER_FAILED', 'too large', { reason: 'GPU_OUT_OF_MEMORY' })
      },
      release: async () => void did.push(`${id} release`),
      async fill({ seed, iterations }: FillJob) {
        did.push(`${id} fill ${iterations}`)
        seeds.push(seed)
        if (control.fails) throw new Error('out of memory')
        if (control.hangs) await new Promise<void>((resolve) => waiting.push(resolve))
      },
    }) as Partial<Prover> as Prover
  const gpus: ProvingGpu[] = ids.map((id) => ({ gpu: gpuOf(id), prover: proverOf(id) }))
  const events = createEvents(() => clock.nowMs)
  const life = new AbortController()
  const core = { log: silent, events, nowMs: () => clock.nowMs }
  const room = createProofRoom()
  const fills = createGpuFills(
    {
      core,
      pulses: book,
      slots,
      gpus: () => gpus,
      isWorking: () => control.works,
      room,
      onTooLarge: async (id) => void did.push(`${id} too large`),
    },
    life.signal,
  )
  const look = async (): Promise<void> => {
    fills.look()
    for (let i = 0; i < 10; i++) await Promise.resolve()
  }
  const told = () => events.recent().map(({ event, gpu }) => `${event} ${gpu}`)
  return { room, look, did, seeds, gpus, rounds, clock, control, waiting, told, life, fills }
}

test('a device is prepared and filled once for the running epoch, and again for the next', async () => {
  const w = world([11])
  await w.look()
  await w.look()
  expect(w.did).toEqual(['a prepare 512 1048576', `a fill ${slots.residency.iterations}`])
  expect(w.seeds).toEqual([fillSeed(gpuOf('a'), beacon.sign(11))])
  expect(w.fills.holds('a', w.seeds[0]!)).toBe(true)
  expect(w.fills.holds('b', w.seeds[0]!)).toBe(false)
  expect(w.told()).toEqual(['gpu-filled a'])
  w.clock.nowMs = timeOf(beacon, 23)
  await w.look() // the pulse is not here yet
  w.rounds.add(23)
  await w.look()
  expect(w.did.slice(2)).toEqual([`a fill ${slots.residency.iterations}`])
  expect(w.seeds[1]).toEqual(fillSeed(gpuOf('a'), beacon.sign(23)))
  expect(w.seeds.map((seed) => w.fills.holds('a', seed))).toEqual([false, true])
})

test('without the fill pulse a device is warm all the same, and filled when the pulse comes', async () => {
  const w = world([])
  await w.look()
  expect(w.did).toEqual(['a prepare 512 1048576'])
  w.rounds.add(11)
  await w.look()
  expect(w.did).toHaveLength(2)
})

test('all devices of a host fill at once; one that is still at it is not asked again', async () => {
  const w = world([11], ['a', 'b', 'c'])
  w.control.hangs = true
  await w.look()
  await w.look()
  expect(w.did.filter((what) => what.includes('fill'))).toHaveLength(3)
  expect(w.fills.holds('a', w.seeds[0]!)).toBe(false)
  expect(w.told()).toEqual([])
  for (const done of w.waiting) done()
  await w.look()
  expect(w.told().toSorted()).toEqual(['gpu-filled a', 'gpu-filled b', 'gpu-filled c'])
})

test('other sizes or another hotkey are another fill', async () => {
  const w = world([11])
  await w.look()
  const [{ prover }] = w.gpus as [ProvingGpu]
  w.gpus[0] = { prover, gpu: gpuOf('a', { bytes: 2 ** 21 }) }
  await w.look()
  w.gpus[0] = { prover, gpu: gpuOf('a', { bytes: 2 ** 21, hotkey: new Uint8Array(32).fill(9) }) }
  await w.look()
  const filled = `a fill ${slots.residency.iterations}`
  expect(w.did.slice(2)).toEqual(['a prepare 512 2097152', filled, filled])
  expect(new Set(w.seeds.map((seed) => Buffer.from(seed).toString('hex'))).size).toBe(3)
})

test('a failure is told and tried again later from the start; so is a prover that failed elsewhere', async () => {
  const w = world([11])
  w.control.fails = true
  await w.look()
  expect(w.told()).toEqual(['gpu-not-filled a'])
  await w.look()
  expect(w.did).toHaveLength(2)
  w.control.fails = false
  w.clock.nowMs += 10_000
  await w.look()
  expect(w.did).toHaveLength(4)
  expect(w.told()).toEqual(['gpu-not-filled a', 'gpu-filled a'])
  w.fills.forget('a')
  await w.look()
  expect(w.did.slice(4)).toEqual(['a prepare 512 1048576', `a fill ${slots.residency.iterations}`])
})

test('a node that stops fills nothing more', async () => {
  const w = world([11])
  w.life.abort()
  await w.look()
  expect(w.did).toEqual([])
})

test('a device that is announced no more is given back once its slot is over, and filled anew later', async () => {
  const { look, did, gpus, control, told } = world([11], ['a', 'b'])
  await look()
  const [gone] = gpus.splice(0, 1)
  control.works = true
  did.length = 0
  await look()
  expect(did).toEqual([])
  control.works = false
  await look()
  await look()
  expect(did).toEqual(['a release'])
  expect(told()).toContain('gpu-given-back a')
  gpus.push(gone!)
  await look()
  expect(did.slice(1)).toEqual(['a prepare 512 1048576', 'a fill 16'])
})

test('a fill that is given back in the middle is no failure', async () => {
  const { look, did, gpus, control, waiting, told } = world([11])
  control.hangs = true
  await look()
  control.fails = true
  gpus.length = 0
  await look()
  waiting[0]!()
  await look()
  expect(did.at(-1)).toBe('a release')
  expect(told()).not.toContain('gpu-not-filled a')
})

test('sizes that do not fit are told to whoever announces them', async () => {
  const { look, did, control, told } = world([11])
  control.isFull = true
  await look()
  expect(did).toEqual(['a prepare 512 1048576', 'a too large'])
  expect(told()).toEqual(['gpu-not-filled a'])
})

test('a device gets the sizes of another mode when its slot is over, and its tenant hears of it', async () => {
  const w = world([11])
  await w.look()
  const [{ prover }] = w.gpus as [ProvingGpu]
  expect(w.room.isIn('a', 'leased')).toBe(false)
  w.control.works = true
  w.gpus[0] = { prover, gpu: gpuOf('a', { n: 256, bytes: 2 ** 19, mode: 'leased' }) }
  await w.look()
  expect(w.did).toHaveLength(2)
  expect(w.room.isIn('a', 'leased')).toBe(false)
  w.control.works = false
  await w.look()
  expect(w.did.slice(2)).toEqual(['a prepare 256 524288', `a fill ${slots.residency.iterations}`])
  expect(w.room.isIn('a', 'leased')).toBe(true)
})

test('a device that is not announced any more is given back, once its slot is over', async () => {
  const w = world([11])
  await w.look()
  const [proving] = w.gpus.splice(0)
  w.control.works = true
  await w.look()
  expect(w.did).toHaveLength(2)
  expect(w.room.isIn('a', 'exclusive')).toBe(false)
  w.control.works = false
  await w.look()
  expect(w.did.slice(2)).toEqual(['a release'])
  expect(w.room.isIn('a', 'exclusive')).toBe(true)
  w.gpus.push(proving!)
  await w.look()
  expect(w.did.slice(3)).toEqual(['a prepare 512 1048576', `a fill ${slots.residency.iterations}`])
})
