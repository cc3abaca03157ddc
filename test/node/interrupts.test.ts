import { expect, test, vi } from 'vitest'
import { createInterrupts } from '../../src/node/interrupts.ts'

test('the first signal asks, one long after it kills, one right after it is the same', () => {
  let nowMs = 1000
  const kill = vi.fn()
  const interrupts = createInterrupts(() => nowMs, kill)
  expect(interrupts.signal.aborted).toBe(false)
  interrupts.press('SIGINT')
  expect(interrupts.signal.reason).toMatchObject({ code: 'FAILED_INTERRUPTED' })
  nowMs += 5
  interrupts.press('SIGINT')
  expect(kill).not.toHaveBeenCalled()
  nowMs += 2000
  interrupts.press('SIGINT')
  expect(kill).toHaveBeenCalledOnce()
})
