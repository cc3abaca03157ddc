import { describe, expect, test } from 'vitest'
import type { Lease as LeaseView } from '../../src/api/leases.ts'
import { createBudget, decimalOf, unitsOf } from '../../src/client/budget.ts'
import { createHttpClient } from '../../src/client/http-client.ts'

/** A node that knows these leases. */
function budgetOf(total: string, leases: Record<string, Partial<LeaseView>> = {}) {
  const http = createHttpClient({
    fetch: async ({ path }) => Response.json({ id: path, ...leases[path.split('/').at(-1)!] }),
    webSocket: () => Promise.reject(new Error('not used')),
  })
  return createBudget(http, total, new AbortController().signal)
}

const lease = (fields: Partial<LeaseView>): LeaseView => fields as LeaseView

describe('a budget', () => {
  test.each([
    ['0.1', '0.1'],
    ['20', '20'],
    ['0.000001', '0.000001'],
    ['100.50', '100.5'],
  ])('decimals: %s', (text, shown) => {
    expect(decimalOf(unitsOf(text))).toBe(shown)
  })

  test.each(['', '-1', '1e3', '1,5', 'all', '1.'])('"%s" is no amount', (text) => {
    expect(() => unitsOf(text)).toThrow('is no amount')
  })

  test('a lease counts with its cap while it runs, and with what it cost later', async () => {
    const leases = { a: { over: false, cap: '0.6' }, b: { over: true, settled: '0.15', cap: '9' } }
    const budget = budgetOf('1', leases)
    expect(await budget.most(undefined)).toBe('1')
    budget.count(lease({ id: 'a', cap: '0.6', over: false, settled: null }))
    budget.count(lease({ id: 'b', cap: '9', over: false, settled: null }))
    expect(await budget.most(undefined)).toBe('0.25')
    expect(await budget.most('0.2')).toBe('0.2')
    // One that is extended has what it has already.
    expect(await budget.most(undefined, lease({ id: 'a' }))).toBe('0.85')
  })

  test('nothing is left: refused before anybody is asked', async () => {
    const budget = budgetOf('0.5', { a: { over: false, cap: '0.5' } })
    budget.count(lease({ id: 'a', cap: '0.5', over: false, settled: null }))
    await expect(budget.most('0.1')).rejects.toMatchObject({ code: 'REFUSED_BUDGET' })
  })

  test('orders take their turns, also behind one that failed', async () => {
    const budget = budgetOf('1')
    const order: string[] = []
    const first = budget.inTurn(async () => {
      await new Promise((resolve) => setImmediate(resolve))
      order.push('first')
      throw new Error('refused')
    })
    const second = budget.inTurn(async () => order.push('second'))
    await expect(first).rejects.toThrow('refused')
    await second
    expect(order).toEqual(['first', 'second'])
  })
})
