import { mkdtemp, rm } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { silent } from '../../../src/log.ts'
import { eventsRoute } from '../../../src/node/control/routes/events.ts'
import { startControl } from '../../../src/node/control/server.ts'
import { createEvents } from '../../../src/node/events.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cn-events-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function start() {
  const events = createEvents(Date.now)
  const socketPath = join(folder, 'control.sock')
  const control = await startControl({
    parts: { core: { events } },
    routes: [eventsRoute],
    socketPath,
    tokenFile: join(folder, 'control.token'),
    log: silent,
  })
  const open = (path = '/v1/events', headers: Record<string, string> = {}) =>
    new Promise<IncomingMessage>((resolve) =>
      request({ socketPath, path, headers, agent: false }, resolve).end(),
    )
  return { events, open, [Symbol.asyncDispose]: () => control[Symbol.asyncDispose]() }
}

/** The first so many messages, then hangs up. */
async function read(response: IncomingMessage, count: number) {
  const found: { id?: string; data: Record<string, unknown> }[] = []
  let id: string | undefined
  response.on('error', () => undefined)
  for await (const line of createInterface({ input: response })) {
    if (line.startsWith('id: ')) id = line.slice(4)
    if (!line.startsWith('data: ')) continue
    found.push({ ...(id === undefined ? {} : { id }), data: JSON.parse(line.slice(6)) })
    id = undefined
    if (found.length === count) break
  }
  response.destroy()
  return found
}

test('a reader that comes back goes on behind what it had, and sees only what it asks for', async () => {
  await using node = await start()
  for (let i = 0; i < 6; i++) node.events.emit(i % 2 === 0 ? 'even' : 'odd', { i })
  const first = await read(await node.open(), 2)
  expect(first.map(({ data }) => data['i'])).toEqual([0, 1])
  const last = { 'last-event-id': first[1]!.id! }
  const rest = await read(await node.open('/v1/events', last), 4)
  expect(rest.map(({ data }) => data['i'])).toEqual([2, 3, 4, 5])
  const odd = await read(await node.open('/v1/events?event=odd,other', last), 2)
  expect(odd.map(({ data }) => data['i'])).toEqual([3, 5])
})

test('what is not kept any more is told, also that the node was another one', async () => {
  await using node = await start()
  node.events.emit('seen', { i: -1 })
  const [seen] = await read(await node.open(), 1)
  for (let i = 0; i < 600; i++) node.events.emit('missed', { i })
  const headers = { 'last-event-id': seen!.id! }
  const [gap, oldest] = await read(await node.open('/v1/events', headers), 2)
  expect(gap!.data).toMatchObject({ event: 'events-missed', missed: 100 })
  expect(oldest!.data['i']).toBe(100)
  const other = await node.open('/v1/events', { 'last-event-id': 'other-7' })
  const [restarted, again] = await read(other, 2)
  expect(restarted!.data).toMatchObject({ event: 'events-missed', missed: null })
  expect(again!.data['i']).toBe(100)
})

test('a reader that does not read costs little memory, and is told what it missed', async () => {
  await using node = await start()
  const slow = await node.open()
  slow.pause()
  const text = 'x'.repeat(20_000)
  const count = 3000 // 60 MB: more than sockets hold
  for (let i = 0; i < count; i++) {
    node.events.emit('large', { i, text })
    if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  let missed = 0
  let got = 0
  slow.on('error', () => undefined)
  for await (const line of createInterface({ input: slow })) {
    if (!line.startsWith('data: ')) continue
    const data = JSON.parse(line.slice(6))
    if (data.event === 'events-missed') missed += data.missed
    else got += 1
    if (data.i === count - 1) break
  }
  slow.destroy()
  expect(missed).toBeGreaterThan(count / 2)
  expect(missed + got).toBe(count)
})
