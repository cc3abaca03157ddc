import { expect, test } from 'vitest'
import { createBandwidthDesk } from '../../../src/node/bench/bandwidth-desk.ts'

function opened() {
  const now = { ms: 1_000_000, busy: undefined as string | undefined }
  const desk = createBandwidthDesk({ nowMs: () => now.ms, busy: () => now.busy })
  const enter = (peerId: string, direction = 'down', prefix?: string) =>
    desk.enter({ peerId, prefix }, direction)
  /** A visit of one second in one direction. */
  const visit = (peerId: string, direction = 'down', prefix?: string): void => {
    const leave = enter(peerId, direction, prefix)
    now.ms += 1000
    leave()
  }
  return { now, enter, visit }
}
const busy = expect.objectContaining({ code: 'REFUSED_BUSY' })
const overQuota = expect.objectContaining({ code: 'REFUSED_QUOTA' })

test('never two at once', () => {
  const { enter } = opened()
  const leave = enter('a')
  expect(() => enter('b')).toThrow(busy)
  expect(() => enter('a', 'up')).toThrow(busy)
  leave()
  expect(() => enter('a', 'up')).not.toThrow()
})

test('a visitor has each direction once, then the line rests four times as long as it took', () => {
  const { now, enter, visit } = opened()
  visit('a', 'down')
  visit('a', 'up')
  expect(() => enter('a', 'up')).toThrow(busy)
  expect(() => enter('b')).toThrow(busy)
  now.ms += 6999
  expect(() => enter('b')).toThrow(busy)
  now.ms += 1
  expect(() => enter('b')).not.toThrow()
})

test('who goes on naming new directions, or comes back late, gets no more than its visit', () => {
  const { now, enter, visit } = opened()
  visit('a', 'down')
  now.ms += 10_000
  visit('a', 'up') // a visit of its own by now
  expect(() => enter('a', 'up')).toThrow(busy)
})

test('many names behind one address share its quota; a node that works refuses', () => {
  const { now, enter, visit } = opened()
  for (let i = 0; i < 8; i++) {
    visit(`name-${i}`, 'down', '192.0.2.1')
    now.ms += 4000
  }
  // Tokens come back evenly: 8 a minute, and 40 s have passed.
  for (let i = 0; i < 5; i++) {
    visit(`other-${i}`, 'down', '192.0.2.1')
    now.ms += 4000
  }
  expect(() => {
    for (let i = 0; i < 20; i++) {
      visit(`more-${i}`, 'down', '192.0.2.1')
      now.ms += 4000
    }
  }).toThrow(overQuota)
  expect(() => enter('elsewhere', 'down', '192.0.2.2')).not.toThrow()
  now.busy = 'a slot runs'
  now.ms += 60_000
  expect(() => enter('b')).toThrow(busy)
})
