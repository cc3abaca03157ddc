import { expect, test } from 'vitest'
import {
  afterTurn,
  inOrder,
  NO_TURNS,
  PAYERS_BEFORE_STRANGER,
  QUEUE_LIMITS,
  roundOf,
  type TurnsSoFar,
  turnsOf,
  type Waiting,
  whyFull,
} from '../../../src/node/leases/queue-order.ts'
import { belowFrom } from '../../support/random.ts'

/** A queue that grows and shrinks as a miner's does. */
class Simulation {
  waiting: Waiting[] = []
  turns: TurnsSoFar = NO_TURNS
  #seq = 0

  join(renter: string, changes: Partial<Waiting> = {}): Waiting {
    const seq = ++this.#seq
    const stranger = changes.stranger ?? false
    const round = roundOf({ renter, stranger }, this.waiting, this.turns)
    const devices = ['gpu-0']
    const one = {
      id: `${renter}-${seq}`,
      renter,
      stranger,
      seq,
      round,
      devices,
      count: 1,
      durationMs: 1000,
      ...changes,
    }
    this.waiting.push(one)
    return one
  }

  serve(): Waiting | undefined {
    const [next] = inOrder(this.waiting, this.turns)
    if (next === undefined) return undefined
    this.waiting = this.waiting.filter((one) => one !== next)
    this.turns = afterTurn(this.turns, next)
    return next
  }
}

/** The renters in the order in which they would be served. */
const renters = (queue: Simulation) =>
  inOrder(queue.waiting, queue.turns).map(({ renter }) => renter)

/** One letter per request in the order of asking: a capital is a stranger. */
const queueOf = (asked: string): Simulation => {
  const queue = new Simulation()
  for (const renter of asked) queue.join(renter, { stranger: renter === renter.toUpperCase() })
  return queue
}

test.each([
  ['first come, first served', 'abc', 'abc'],
  ['one turn each', 'aaabc', 'abcaa'],
  ['many requests of two', 'aaabbb', 'ababab'],
  ['who paid before comes first', 'XYab', 'abXY'],
  ['after three of those a stranger', 'Xabcdef', 'abcXdef'],
  ['strangers take turns too', 'XXXYZ', 'XYZXX'],
  ['strangers among payers, each in turn', 'XXYabcdefgh', 'abcXdefYghX'],
])('%s: %s is served as %s', (_, asked, served) => {
  expect(renters(queueOf(asked)).join('')).toBe(served)
})

test('who comes while a round is served is in the next one', () => {
  const queue = queueOf('aab')
  expect(queue.serve()?.renter).toBe('a')
  queue.join('c')
  queue.join('a')
  // b is of the round that has begun; then come c and the second of a, as they asked; a has a third one later.
  expect(renters(queue)).toEqual(['b', 'a', 'c', 'a'])
})

test.each([1, 2, 3, 4, 5])('seed %i: nobody is starved, whoever keeps coming', (seed) => {
  const below = belowFrom(seed)
  const queue = new Simulation()
  const patient = queue.join('patient')
  queue.join('patient')
  const stranger = queue.join('stranger', { stranger: true })
  const servedAt = new Map<string, number>()
  // Names that nobody has seen before and a renter with many requests, always more than are served.
  for (let turn = 0; turn < 200; turn++) {
    for (let n = 0; n <= 1 + below(2); n++) queue.join(`new-${turn}-${n}`)
    queue.join('greedy')
    if (below(2) === 0) queue.join(`unknown-${turn}`, { stranger: true })
    servedAt.set(queue.serve()!.id, turn)
  }
  expect(servedAt.get(patient.id)).toBe(0)
  expect(servedAt.get(stranger.id)).toBe(PAYERS_BEFORE_STRANGER)
  expect(servedAt.get('patient-2')).toBeLessThan(20)
})

test.each([1, 2, 3])('seed %i: turns of renters that always wait differ by two at most', (seed) => {
  const below = belowFrom(seed)
  const queue = new Simulation()
  const names = ['a', 'b', 'c', 'd']
  for (const name of names) queue.join(name)
  const served = new Map(names.map((name) => [name, 0]))
  for (let turn = 1; turn <= 400; turn++) {
    // Some ask for more than one at once; each has one waiting at least.
    for (const name of names) {
      const own = queue.waiting.filter(({ renter }) => renter === name).length
      if (own < 1 || (own < 4 && below(3) === 0)) queue.join(name)
    }
    const { renter } = queue.serve()!
    served.set(renter, served.get(renter)! + 1)
  }
  const counts = [...served.values()]
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2)
})

const wants = (id: string, devices: string, count: number, durationMs = 1000): Waiting => ({
  ...{ id, renter: id, stranger: false, seq: 1, round: 1, durationMs },
  ...{ devices: [...devices], count },
})

test.each([
  ['one that is free', [wants('x', 'ab', 1)], { a: 5, b: 0 }, ['x:b']],
  ['nothing is free', [wants('x', 'ab', 1)], { a: 5, b: 5 }, []],
  ['two at once', [wants('x', 'ab', 1), wants('y', 'ab', 1)], { a: 0, b: 0 }, ['x:a', 'y:b']],
  [
    'the first wants all and has it',
    [wants('x', 'ab', 2), wants('y', 'ab', 1)],
    { a: 0, b: 0 },
    ['x:ab'],
  ],
  [
    'the first wants all: b is kept',
    [wants('x', 'ab', 2), wants('y', 'ab', 1)],
    { a: 5, b: 0 },
    [],
  ],
  [
    'but a short one fits before',
    [wants('x', 'ab', 2), wants('y', 'ab', 1, 5)],
    { a: 5, b: 0 },
    ['y:b'],
  ],
  [
    'one more than it wants is free by then',
    [wants('x', 'abc', 2), wants('y', 'abc', 1)],
    { a: 5, b: 0, c: 5 },
    ['y:b'],
  ],
  [
    'that one is given once',
    [wants('x', 'abcd', 3), wants('y', 'abcd', 1), wants('z', 'abcd', 1)],
    { a: 5, b: 0, c: 0, d: 5 },
    ['y:b'],
  ],
  [
    'what it cannot use is not kept',
    [wants('x', 'ab', 2), wants('y', 'bc', 1)],
    { a: 5, b: 0, c: 0 },
    ['y:c'],
  ],
  [
    'nobody can tell when it has all: it is passed',
    [wants('x', 'ab', 2), wants('y', 'ab', 1)],
    { a: undefined, b: 0 },
    ['y:b'],
  ],
  [
    'kept for the first alone',
    [wants('x', 'ab', 2), wants('y', 'cd', 2), wants('z', 'd', 1)],
    { a: 5, b: 5, c: 9, d: 0 },
    ['z:d'],
  ],
  [
    'what one that came before takes is not free by then',
    [wants('v', 'b', 1, 50), wants('x', 'ab', 2), wants('y', 'a', 1, 50)],
    { a: 0, b: 0 },
    ['v:b', 'y:a'],
  ],
  ['devices of another offer', [wants('x', 'c', 1)], { a: 0, b: 0 }, []],
])('turns when %s', (_, order, times, turns) => {
  const freeInMs = new Map<string, number | undefined>(Object.entries(times))
  const free = [...freeInMs].flatMap(([device, ms]) => (ms === 0 ? [device] : []))
  const given = turnsOf(order, free, freeInMs).turns
  expect(given.map((one) => `${one.request.id}:${one.devices.join('')}`)).toEqual(turns)
})

test('who holds its devices for longer than its time is not let before who is kept for', () => {
  const freeInMs = new Map([
    ['a', 5],
    ['b', 0],
  ])
  const order = [wants('x', 'ab', 2), wants('y', 'ab', 1, 4)]
  const turns = (pullMs: number) =>
    turnsOf(order, ['b'], freeInMs, ({ durationMs }) => durationMs + pullMs).turns
  expect(turns(1)).toMatchObject([{ devices: ['b'] }])
  expect(turns(2)).toEqual([])
})

test.each([1, 2, 3, 4])(
  'seed %i: who wants the whole machine has it when it was told, at the latest',
  (seed) => {
    const below = belowFrom(seed)
    const devices = [...'abcd']
    const freeAtMs = new Map(devices.map((device) => [device, 1 + below(100)]))
    const whole = wants('whole', 'abcd', 4, 50)
    const toldMs = Math.max(...freeAtMs.values())
    for (let atMs = 0, n = 0; ; atMs++) {
      // Small ones come all the time, and would take each device at once.
      const small = [1, 2, 3].map(() => wants(`small-${n++}`, 'abcd', 1 + below(2), 1 + below(80)))
      const freeInMs = new Map(devices.map((one) => [one, Math.max(0, freeAtMs.get(one)! - atMs)]))
      const free = devices.filter((device) => freeInMs.get(device) === 0)
      const { turns } = turnsOf([whole, ...small], free, freeInMs)
      if (turns.some(({ request }) => request === whole)) {
        expect(atMs).toBeLessThanOrEqual(toldMs)
        return
      }
      expect(atMs).toBeLessThan(toldMs)
      for (const { request, devices: taken } of turns) {
        for (const device of taken) freeAtMs.set(device, atMs + request.durationMs)
      }
    }
  },
)

test('a peer, an address and all together may wait only so often', () => {
  const queue = new Simulation()
  const { perPeer, perPrefix } = QUEUE_LIMITS
  const why = (renter: string, prefix?: string, most = 64) =>
    whyFull({ renter, prefix }, queue.waiting, most)
  for (let n = 0; n < perPeer; n++) queue.join('a', { prefix: '1.2.3.4' })
  expect(why('a')).toContain('yours')
  for (let n = perPeer; n < perPrefix; n++) queue.join(`b${n}`, { prefix: '1.2.3.4' })
  expect(why('c', '1.2.3.4')).toContain('address')
  expect(why('c', '1.2.3.5')).toBeUndefined()
  expect(why('c')).toBeUndefined() // this machine is no address
  expect(why('c', '1.2.3.5', perPrefix)).toContain('wait already')
  expect(why('c', undefined, 0)).toContain('no queue')
})
