import { once } from 'node:events'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { createInterface } from 'node:readline'
import { describe, expect, test, vi } from 'vitest'
import type { LeaseForward } from '../../../src/api/lease-forwards.ts'
import { noDocker, testEngine } from '../../support/docker.ts'
import { stopLease } from '../../support/lease-market.ts'
import { type ServedLease, serveLease } from '../../support/served-lease.ts'

const httpd = ['sh', '-c', 'echo hello >/run/index.html; exec httpd -f -p 8080 -h /run']

const asking = ({ id, api }: ServedLease) =>
  async function ask<T>(method: string, rest = '', body?: object) {
    const answer = await fetch(`${api.url}/v1/leases/${id}/forwards${rest}`, {
      method,
      headers: {
        authorization: `Bearer ${api.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: answer.status, body: (await answer.json()) as T & { code: string } }
  }

/** Whether something listens there. */
async function listens(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port })
  const { promise, resolve } = Promise.withResolvers<boolean>()
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  const found = await promise
  socket.destroy()
  return found
}

const textAt = async (url: string): Promise<string> => (await fetch(url)).text()

describe.skipIf(noDocker)('of a real container', () => {
  test('the node keeps ports on loopback until they are closed or the lease ends', async () => {
    await using lease = await serveLease(await testEngine(), 'busybox:1.37', { command: httpd })
    const ask = asking(lease)
    const first = (await ask<LeaseForward>('POST', '', { port: 8080 })).body
    expect(first).toMatchObject({ port: 8080, url: `http://localhost:${first.localPort}/` })
    const page = `http://127.0.0.1:${first.localPort}/`
    await vi.waitFor(async () => expect(await textAt(page)).toBe('hello\n'), 20_000)
    const others = Object.values(networkInterfaces())
      .flatMap((found) => found ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4')
    for (const { address } of others) {
      expect(await listens(address, first.localPort)).toBe(false)
    }

    const taken = await ask('POST', '', { port: 80, localPort: first.localPort })
    expect([taken.status, taken.body.code]).toEqual([400, 'BAD_CONFIG_PORT'])
    const silent = (await ask<LeaseForward>('POST', '', { port: 81 })).body
    await expect(textAt(`http://127.0.0.1:${silent.localPort}/`)).rejects.toThrow()
    const list = async () => (await ask<{ items: LeaseForward[] }>('GET')).body.items
    await vi.waitFor(async () => expect((await list())[0]).toMatchObject({ failed: 1 }))
    expect((await list()).map(({ id }) => id)).toEqual([silent.id, first.id])

    const closed = (await ask<LeaseForward>('POST', `/${silent.id}/close`)).body
    expect(closed).toMatchObject({ reason: 'closed', failed: 1 })
    expect(await listens('127.0.0.1', silent.localPort)).toBe(false)
    expect((await ask('POST', '/none/close')).status).toBe(404)

    const { child, ended } = lease.cli('forward', lease.id, '0:8080')
    await once(createInterface({ input: child.stdout! }), 'line')
    const [now] = lease.renter.book.live.values()
    await stopLease(lease.renter, now!)
    expect(await ended).toMatchObject({ err: expect.stringContaining('the lease has ended: done') })
    await vi.waitFor(async () => {
      expect((await list()).at(-1)).toMatchObject({ reason: 'the lease has ended: done' })
    }, 10_000)
    expect(await listens('127.0.0.1', first.localPort)).toBe(false)
    expect((await ask('POST', '', { port: 8080 })).body.code).toBe('FAILED_LEASE_ENDED')
    const told = lease.renter.events().filter(({ event }) => event.startsWith('forward-'))
    expect(told.map(({ event }) => event)).toEqual([
      ...['forward-opened', 'forward-opened', 'forward-closed', 'forward-closed'],
    ])
  }, 120_000)
})
