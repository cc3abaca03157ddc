import { expect, test } from 'vitest'
import { devBeacon, timeOf } from '../../src/beacon.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { silent } from '../../src/log.ts'
import { createPulseBook } from '../../src/node/pulse-book.ts'

const beacon = devBeacon(new Uint8Array(32).fill(5), 1000, 0)
const slots = slotNetworks.local
const ROUND = 24
const good = beacon.sign(ROUND).signature
/** A signature of another round: a point of the curve, and false. */
const bad = (n: number): Uint8Array => beacon.sign(ROUND + n).signature

/** A book that counts what is verified, each in its turn, as one thread does. */
function opened() {
  const verified: Uint8Array[] = []
  let turn: Promise<unknown> = Promise.resolve()
  const verifier = {
    verify(round: number, signature: Uint8Array) {
      const result = turn.then(() => {
        verified.push(signature)
        return beacon.verify(round, signature)
      })
      turn = result
      return result
    },
    async [Symbol.asyncDispose]() {},
  }
  const nowMs = () => timeOf(beacon, ROUND)
  const book = createPulseBook({ beacon, slots, verifier, nowMs, log: silent })
  const told: number[] = []
  book.subscribe(({ pulse }) => told.push(pulse.round), new AbortController().signal)
  return { book, verified, told }
}

test('whoever sends many bad signatures of one round at once has one of them verified', async () => {
  const { book, verified, told } = opened()
  const outcomes = await Promise.all([1, 2, 3, 4, 5].map((n) => book.offer(ROUND, bad(n), 'liar')))
  expect(outcomes.filter((one) => typeof one === 'object' && 'reject' in one)).toHaveLength(1)
  expect(verified).toHaveLength(1)
  expect(await book.offer(ROUND, good, 'another')).toBe('accept')
  expect(told).toEqual([ROUND])
})

test('a pulse of the own source waits for no line of bad ones, and is told once', async () => {
  const { book, verified, told } = opened()
  const lies = [1, 2, 3, 4, 5, 6].map((n) => book.offer(ROUND, bad(n), `liar-${n}`))
  const copy = book.offer(ROUND, good, 'honest')
  expect(await book.offer(ROUND, good)).toBe('accept')
  expect(verified.length).toBeLessThanOrEqual(3)
  for (const lie of await Promise.all(lies)) expect(lie).toEqual({ reject: 'bad signature' })
  expect(await copy).toEqual({ ignore: 'known' })
  expect(verified.length).toBeLessThanOrEqual(3)
  expect(told).toEqual([ROUND])
})
