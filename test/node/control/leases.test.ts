import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import type { QueueRow } from '../../../src/api/hosting.ts'
import type { ReceiptsAnswer } from '../../../src/api/leases.ts'
import { silent } from '../../../src/log.ts'
import { leasePath } from '../../../src/node/commands/lease-path.ts'
import { runInLease } from '../../../src/node/commands/run-in-lease.ts'
import { createControlClient } from '../../../src/node/control/client.ts'
import { execRoute } from '../../../src/node/control/routes/exec.ts'
import { leasesRoute } from '../../../src/node/control/routes/leases.ts'
import { queueRoute } from '../../../src/node/control/routes/queue.ts'
import { startControl } from '../../../src/node/control/server.ts'
import type { LeaseView } from '../../../src/node/leases/lease-view.ts'
import type { Offers } from '../../../src/node/offers.ts'
import { receiptFileCodec, verifyReceiptChain } from '../../../src/protocols/receipt-chain.ts'
import { net } from '../../support/lease.ts'
import { market, tempFolder } from '../../support/lease-market.ts'
import { until } from '../../support/peers.ts'

const never = new AbortController().signal

/** A market whose renter's control API answers on a socket. */
async function served() {
  const all = await market()
  const record = all.miner.offer()
  const offers = { search: () => [{ record, facts: {} }], find: () => record } as unknown as Offers
  const folder = await tempFolder()
  const socketPath = join(folder, 'control.sock')
  const control = await startControl({
    parts: { renting: all.renter.book, hosting: all.miner.book, offers },
    routes: [leasesRoute, queueRoute, execRoute],
    socketPath,
    tokenFile: join(folder, 'control.token'),
    log: silent,
  })
  const client = createControlClient(socketPath)
  onTestFinished(async () => {
    client[Symbol.dispose]()
    await control[Symbol.asyncDispose]()
  })
  return { ...all, client, socketPath }
}

/** A terminal in memory. */
function terminal(input: Uint8Array = new Uint8Array()) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  stdin.end(input)
  return { stdin, stdout, stderr }
}

const order = { durationMs: 60_000 }

test('take, show, run, list, stop and check a lease', async () => {
  const { client } = await served()
  const { id, image } = await client.post<LeaseView>('/v1/leases', order)
  expect(image).toBe('busybox:1.37')
  const shell = terminal(Buffer.from('some input'))
  const printed = text(shell.stdout)
  expect(await runInLease(client, id, { command: ['cat'] }, shell, never)).toBe(0)
  shell.stdout.end()
  expect(await printed).toBe('some input')
  const failing = terminal()
  const said = text(failing.stderr)
  expect(await runInLease(client, id.slice(0, 8), { command: ['fail', '9'] }, failing, never)).toBe(
    9,
  )
  failing.stderr.end()
  expect(await said).toBe('it failed\n')
  const running = await client.get<LeaseView>(leasePath(id, '/wait?state=running&ms=20000'))
  expect(running).toMatchObject({ state: 'ACTIVE', over: false, outcome: null })
  let receipts: ReceiptsAnswer
  do receipts = await client.get<ReceiptsAnswer>(leasePath(id, '/receipts'))
  while (receipts.items.length < 2)
  await client.post(leasePath(id, '/stop'), { reason: 'enough' })
  const over = await client.get<LeaseView>(leasePath(id, '/wait?ms=20000'))
  expect(over).toMatchObject({ over: true, outcome: 'ended', reason: 'enough', state: 'SETTLED' })
  expect((await client.get<{ items: LeaseView[] }>('/v1/leases')).items).toEqual([over])
  const final = await client.get<ReceiptsAnswer>(leasePath(id, '/receipts'))
  expect(final).toMatchObject({ verified: true, claimed: over.owed, acknowledged: over.settled })
  const evidence = receiptFileCodec.decode(Uint8Array.from(Buffer.from(final.evidence, 'base64')))
  expect(verifyReceiptChain(net, evidence).final?.reason).toBe('enough')
})

test('megabytes through the API, out of and into a lease, with a slow terminal', async () => {
  const { client } = await served()
  const { id } = await client.post<LeaseView>('/v1/leases', order)
  const input = randomBytes(3_000_000)
  const shell = terminal(input)
  const slow: Buffer[] = []
  const read = (async () => {
    for await (const chunk of shell.stdout) {
      slow.push(chunk)
      if (slow.length % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })()
  expect(await runInLease(client, id, { command: ['cat'] }, shell, never)).toBe(0)
  shell.stdout.end()
  await read
  expect(Buffer.compare(Buffer.concat(slow), input)).toBe(0)
})

test('Ctrl-C reaches the command', async () => {
  const { client, engine } = await served()
  const { id } = await client.post<LeaseView>('/v1/leases', order)
  const ctrlC = new AbortController()
  const ran = runInLease(client, id, { command: ['sleep'] }, terminal(), ctrlC.signal)
  await until(() => engine.containers.size === 1)
  setTimeout(() => ctrlC.abort(), 100)
  expect(await ran).toBe(129)
  expect(engine.signals).toEqual(['SIGINT'])
})

test('an idempotency key takes one lease, however often it is posted', async () => {
  const { socketPath, client } = await served()
  const post = (): Promise<LeaseView> =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'idempotency-key': 'k1' }
      const sent = request({ socketPath, path: '/v1/leases', method: 'POST', headers }, (answer) =>
        buffer(answer).then((body) => resolve(JSON.parse(body.toString())), reject),
      )
      sent.on('error', reject).end(JSON.stringify(order))
    })
  const [first, second] = await Promise.all([post(), post()])
  expect(second.id).toBe(first.id)
  expect((await client.get<{ items: unknown[] }>('/v1/leases')).items).toHaveLength(1)
})

test('what cannot be read is refused with the field, what is not there with NOTHING_MATCHED', async () => {
  const { client } = await served()
  const posted = (body: object) => client.post('/v1/leases', body)
  await expect(posted({ durationMs: 5 })).rejects.toMatchObject({
    code: 'BAD_CONFIG_VALUE',
    message: expect.stringContaining('durationMs'),
  })
  await expect(posted({ ...order, image: '--rm' })).rejects.toMatchObject({
    code: 'BAD_CONFIG_VALUE',
  })
  await expect(posted({ ...order, surprise: 1 })).rejects.toMatchObject({
    code: 'BAD_CONFIG_VALUE',
  })
  await expect(client.get(leasePath('abcdef'))).rejects.toMatchObject({ code: 'NOTHING_MATCHED' })
  await expect(
    client.webSocket(leasePath('abcdef', '/exec?request={"command":["true"]}')),
  ).rejects.toMatchObject({
    code: 'NOTHING_MATCHED',
  })
  const { id } = await client.post<LeaseView>('/v1/leases', order)
  await expect(client.webSocket(leasePath(id, '/exec?request=nonsense'))).rejects.toMatchObject({
    code: 'BAD_CONFIG_VALUE',
  })
})

test('a wait is listed on both sides, and ends with who hangs up, by its ticket, or with its node', async () => {
  const { client, miner, renter } = await served()
  await client.post<LeaseView>('/v1/leases', order)
  const waiting = { ...order, waitMs: 60_000 }
  const rows = async () => (await client.get<{ items: QueueRow[] }>('/v1/queue')).items
  const joined = () =>
    until(() => renter.book.waits.all()[0]?.position === 1 && miner.book.line.all().length === 1)
  const left = () =>
    until(() => renter.book.waits.all().length === 0 && miner.book.line.all().length === 0)
  const leaving = new AbortController()
  const hungUp = client.post('/v1/leases', waiting, leaving.signal)
  hungUp.catch(() => undefined)
  await joined()
  const [here, there] = await rows()
  const both = { ticket: here!.ticket, position: 1, waiting: 1 }
  expect(here).toMatchObject({ ...both, where: 'here', peer: renter.key.peerId, devices: 1 })
  expect(there).toMatchObject({ ...both, where: 'there', peer: miner.key.peerId })
  leaving.abort()
  await expect(hungUp).rejects.toThrow()
  await left()
  const named = client.post('/v1/leases', waiting)
  named.catch(() => undefined)
  await joined()
  const [row] = await rows()
  await client.post(`/v1/queue/${row!.ticket.slice(0, 8)}/leave`)
  await expect(named).rejects.toMatchObject({ code: expect.stringMatching(/^REFUSED_/) })
  await left()
  await expect(client.post('/v1/queue/abcd1234/leave')).rejects.toMatchObject({
    code: 'NOTHING_MATCHED',
  })
  await expect(client.post('/v1/queue/zz/leave')).rejects.toMatchObject({
    code: 'BAD_CONFIG_TICKET',
  })
  const stopped = client.post('/v1/leases', waiting)
  stopped.catch(() => undefined)
  await joined()
  renter.book.lifetime.abort(new Error('this node stops'))
  await expect(stopped).rejects.toThrow('this node stops')
  await left()
})
