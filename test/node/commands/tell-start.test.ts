import { afterEach, expect, test, vi } from 'vitest'
import { tellStart } from '../../../src/node/commands/tell-start.ts'

afterEach(() => void vi.useRealTimers())

test('a start is told at once, of its steps those that take their time, and nothing behind its end', () => {
  vi.useFakeTimers()
  const told: string[] = []
  const teller = tellStart({ progress: (text) => void told.push(text) })
  expect(told).toEqual(['starting …'])
  teller.step('quick')
  vi.advanceTimersByTime(900)
  teller.step('slow')
  vi.advanceTimersByTime(1100)
  teller.step('last')
  teller[Symbol.dispose]()
  vi.advanceTimersByTime(10_000)
  expect(told).toEqual(['starting …', '  slow …'])
})
