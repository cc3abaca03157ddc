import { describe, expect, test } from 'vitest'
import type { Offer } from '../../src/api/offers.ts'
import { createHttpClient } from '../../src/client/http-client.ts'
import { changesOf } from '../../src/client/offers.ts'
import type { TransportRequest } from '../../src/client/transport.ts'
import { NodeError } from '../../src/errors.ts'

/** A client whose node gives these answers one after the other, and what it was asked. */
function clientOf(...answers: (Response | Error)[]) {
  const asked: TransportRequest[] = []
  const client = createHttpClient({
    async fetch(request) {
      asked.push(request)
      const answer = answers.shift()
      if (answer instanceof Response) return answer
      throw answer ?? new NodeError('FAILED_NOT_RUNNING', 'no node runs')
    },
    webSocket: () => Promise.reject(new Error('not used')),
  })
  return { client, asked }
}

const lost = (): NodeError => new NodeError('FAILED_NODE_STOPPED', 'the node stopped')

describe('requests', () => {
  test('a problem is the error that the node threw, details and all', async () => {
    const problem = { code: 'REFUSED_COST', message: 'too dear', next: 'pay', details: { most: 3 } }
    const { client } = clientOf(Response.json(problem, { status: 403 }))
    await expect(client.ask({ path: '/v1/leases' })).rejects.toMatchObject({
      ...{ code: 'REFUSED_COST', message: 'too dear', next: 'pay', details: { most: 3 } },
    })
  })

  test('an answer that is no problem document still fails', async () => {
    const { client } = clientOf(new Response('<html>', { status: 502 }))
    await expect(client.ask({ path: '/' })).rejects.toMatchObject({ code: 'FAILED' })
  })

  test('a list is read page by page, as far as it is wanted', async () => {
    const pages = [{ items: [1, 2], next: 'b' }, { items: [3] }].map((page) => Response.json(page))
    const { client, asked } = clientOf(...pages)
    const query = { limit: 2 }
    expect(await Array.fromAsync(client.items({ path: '/v1/x', query }))).toEqual([1, 2, 3])
    expect(asked.map(({ path }) => path)).toEqual(['/v1/x?limit=2', '/v1/x?limit=2&cursor=b'])
  })

  test('what spends is tried again under the same key when its answer was lost', async () => {
    const { client, asked } = clientOf(lost(), Response.json({ id: 'a' }))
    const order = { method: 'POST', path: '/v1/leases', body: {}, idempotencyKey: 'k' } as const
    expect(await client.askAgain(order)).toEqual({ id: 'a' })
    expect(asked.map(({ headers }) => headers['idempotency-key'])).toEqual(['k', 'k'])
  })

  test('a refusal is not tried again', async () => {
    const { client, asked } = clientOf(
      Response.json({ code: 'REFUSED', message: 'no' }, { status: 403 }),
    )
    const order = { method: 'POST', path: '/v1/leases', idempotencyKey: 'k' } as const
    await expect(client.askAgain(order)).rejects.toMatchObject({ code: 'REFUSED' })
    expect(asked).toHaveLength(1)
  })
})

describe('events', () => {
  const stream = (text: string): Response => new Response(new Blob([text]).stream())

  test('are read as the standard has them, and go on after the last one', async () => {
    const { client, asked } = clientOf(
      stream(':\n\nid: r-1\nevent: offer-seen\ndata: {"a":\ndata: 1}\n\nevent: half\ndata: {'),
      stream('id: r-2\r\nevent: lease-ended\r\ndata: {}\r\n\r\n'),
    )
    const seen: unknown[] = []
    const reading = async (): Promise<void> => {
      for await (const event of client.events({ path: '/v1/events' })) seen.push(event)
    }
    await expect(reading()).rejects.toMatchObject({ code: 'FAILED_NOT_RUNNING' })
    expect(seen).toEqual([
      { id: 'r-1', event: 'offer-seen', data: { a: 1 } },
      { id: 'r-2', event: 'lease-ended', data: {} },
    ])
    expect(asked.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 'r-1', 'r-2'])
  })

  test('end when the signal aborts', async () => {
    const stop = new AbortController()
    const { client } = clientOf(stream('event: one\ndata: {}\n\n'))
    for await (const { event } of client.events({ path: '/v1/events', signal: stop.signal })) {
      expect(event).toBe('one')
      stop.abort()
    }
  })
})

describe('how offers changed', () => {
  const offer = (id: string, fields: object = {}): Offer =>
    ({ id, recordId: 'r', seq: 1, expiresAtMs: 1, dph: '1', ...fields }) as unknown as Offer
  const mapOf = (...offers: Offer[]) => new Map(offers.map((one) => [one.id, one]))

  test('what is gone, new and different; an offer announced anew is none', () => {
    const before = mapOf(offer('gone'), offer('same'), offer('dearer'))
    const again = offer('same', { recordId: 's', seq: 2, expiresAtMs: 9 })
    const now = mapOf(again, offer('dearer', { dph: '2' }), offer('new'))
    const changes = [...changesOf(before, now)].map(({ kind, offer: { id } }) => `${kind} ${id}`)
    expect(changes).toEqual(['removed gone', 'changed dearer', 'added new'])
  })
})
