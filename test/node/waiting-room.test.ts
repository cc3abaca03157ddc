import { expect, test } from 'vitest'
import { WaitingRoom } from '../../src/node/waiting-room.ts'

const room = () =>
  new WaitingRoom<string>({ peers: 3, itemsPerPeer: 2, bytesPerPeer: 100, bytes: 200 })

test('what one peer said comes out once, in order, the newest of it', () => {
  const waiting = room()
  for (const said of ['one', 'two', 'three']) waiting.add('p', said, said, 10, 'n')
  waiting.add('p', 'three', 'another three', 10, 'n')
  expect(waiting.take('p')).toEqual(['two', 'three'])
  expect(waiting.take('p')).toEqual([])
  expect(waiting.peers()).toEqual([])
})

test('bytes are bounded per peer', () => {
  const waiting = room()
  waiting.add('p', 'a', 'a', 60, 'n')
  waiting.add('p', 'b', 'b', 60, 'n')
  waiting.add('p', 'c', 'c', 101, 'n')
  expect(waiting.take('p')).toEqual(['b'])
})

test('a neighbour that floods with names pushes out its own, the oldest first', () => {
  const waiting = room()
  waiting.add('honest', 'x', 'x', 1, 'neighbour')
  for (let j = 0; j < 1000; j++) waiting.add(`flood-${j}`, 'x', 'x', 1, 'flooder')
  expect(waiting.peers()).toEqual(['honest', 'flood-998', 'flood-999'])
})

test('a neighbour that floods with bytes pushes out its own', () => {
  const waiting = room()
  waiting.add('honest', 'x', 'x', 90, 'neighbour')
  waiting.add('flood-1', 'x', 'x', 70, 'flooder')
  waiting.add('flood-2', 'x', 'x', 70, 'flooder')
  expect(waiting.peers()).toEqual(['honest', 'flood-2'])
})

test('a flood over many connections gets its share: who came first stays about as often as anybody', () => {
  let stayed = 0
  for (let i = 0; i < 200; i++) {
    const waiting = room()
    waiting.add('honest', 'x', 'x', 1, 'neighbour')
    for (let j = 0; j < 6; j++) waiting.add(`flood-${j}`, 'x', 'x', 1, `flooder-${j}`)
    expect(waiting.peers()).toHaveLength(3)
    if (waiting.peers().includes('honest')) stayed++
  }
  // 3 of 7 places: 86 of 200 on average, with a standard deviation of 7.
  expect(stayed).toBeGreaterThan(40)
  expect(stayed).toBeLessThan(135)
})
