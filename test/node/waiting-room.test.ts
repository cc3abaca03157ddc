import { expect, test } from 'vitest'
import { WaitingRoom } from '../../src/node/waiting-room.ts'

const room = () => new WaitingRoom<string>({ peers: 3, itemsPerPeer: 2, bytesPerPeer: 100 })

test('what one peer said comes out once, in order, the newest of it', () => {
  const waiting = room()
  for (const said of ['one', 'two', 'three']) waiting.add('p', said, said, 10)
  waiting.add('p', 'three', 'another three', 10)
  expect(waiting.take('p')).toEqual(['two', 'three'])
  expect(waiting.take('p')).toEqual([])
  expect(waiting.peers()).toEqual([])
})

test('bytes are bounded per peer', () => {
  const waiting = room()
  waiting.add('p', 'a', 'a', 60)
  waiting.add('p', 'b', 'b', 60)
  waiting.add('p', 'c', 'c', 101)
  expect(waiting.take('p')).toEqual(['b'])
})

test('a flood of names gets its share: who came first stays about as often as anybody', () => {
  let stayed = 0
  for (let i = 0; i < 200; i++) {
    const waiting = room()
    waiting.add('honest', 'x', 'x', 1)
    for (let j = 0; j < 6; j++) waiting.add(`flood-${j}`, 'x', 'x', 1)
    expect(waiting.peers()).toHaveLength(3)
    if (waiting.peers().includes('honest')) stayed++
  }
  // 3 of 7 places: 86 of 200 on average, with a standard deviation of 7.
  expect(stayed).toBeGreaterThan(40)
  expect(stayed).toBeLessThan(135)
})
