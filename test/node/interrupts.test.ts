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

test('at a terminal the first Ctrl-C may only warn; what else asks for an end is not held up', () => {
  let nowMs = 1000
  const kill = vi.fn()
  const interrupts = createInterrupts(() => nowMs, kill)
  const warn = vi.fn(() => true)
  interrupts.warnFirst(warn)
  interrupts.press('SIGINT')
  nowMs += 5
  interrupts.press('SIGINT') // the same press, handed on
  expect(interrupts.signal.aborted).toBe(false)
  nowMs += 2000
  interrupts.press('SIGINT')
  expect(interrupts.signal.aborted).toBe(true)
  expect(warn).toHaveBeenCalledOnce()
  nowMs += 2000
  interrupts.press('SIGINT')
  expect(kill).toHaveBeenCalledOnce()

  const second = createInterrupts(() => nowMs, kill)
  second.warnFirst(warn)
  second.press('SIGTERM')
  expect(second.signal.aborted).toBe(true)

  const third = createInterrupts(() => nowMs, kill)
  third.warnFirst(() => false)
  third.press('SIGINT')
  expect(third.signal.aborted).toBe(true)
  expect(warn).toHaveBeenCalledOnce()
})
