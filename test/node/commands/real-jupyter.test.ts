import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { noDocker, testEngine } from '../../support/docker.ts'
import { processesOf } from '../../support/docker-lease.ts'
import { serveLease } from '../../support/served-lease.ts'
import { deviceOrSkip } from '../../support/skips.ts'

/** Hundreds of megabytes, which no continuous integration makes each time: docs/leases.md says how. */
const image = process.env['CN_JUPYTER_IMAGE']
const noImage = !deviceOrSkip(image !== undefined, 'CN_JUPYTER_IMAGE, an image with Jupyter,')

test.skipIf(noDocker || noImage)('a real Jupyter runs code', { timeout: 240_000 }, async () => {
  await using lease = await serveLease(await testEngine(), image!)
  const start = async () => {
    const { child, ended } = lease.cli('jupyter', lease.id)
    onTestFinished(() => void child.kill('SIGKILL'))
    const printed = once(createInterface({ input: child.stdout! }), 'line') as Promise<[string]>
    const without = ended.then(({ err }) => Promise.reject(new Error(err)))
    const [line] = await Promise.race([printed, without])
    const url = new URL(line)
    return { child, ended, url, token: url.searchParams.get('token')! }
  }
  const processes = async () => (await processesOf(Buffer.from(lease.id, 'hex'))).join('\n')
  const untilGone = () =>
    vi.waitFor(async () => expect(await processes()).not.toMatch(/jupyter|ipykernel/), {
      ...{ timeout: 30_000, interval: 200 },
    })

  /** Its page and its kernels are there for the token alone; Ctrl-C ends it with its kernel. */
  const runsCode = async (): Promise<void> => {
    const { child, ended, url, token } = await start()
    const page = await fetch(url)
    expect(page.status).toBe(200)
    expect(new URL(page.url).pathname).toBe(url.pathname)
    expect(await page.text()).toMatch(/<title>.*(Jupyter|Home)/)
    const kernels = new URL('/api/kernels', url)
    expect((await fetch(kernels)).status).toBe(403)
    const headers = { authorization: `token ${token}`, 'content-type': 'application/json' }
    const made = await fetch(kernels, { method: 'POST', headers, body: '{"name":"python3"}' })
    expect(made.status).toBe(201)
    const { id } = (await made.json()) as { readonly id: string }
    const channels = new URL(`/api/kernels/${id}/channels`, url)
    const code = 'import os; print(os.uname().nodename, 6 * 7)'
    expect(await execute(channels, token, code)).toBe('lease 42\n')
    expect(await processes()).toMatch(/ipykernel/)
    expect(await processes()).not.toContain(token)
    child.kill('SIGINT')
    expect((await ended).code).toBe(0)
    await untilGone()
  }
  /** What "Shut Down" in its menu asks for ends the command too. */
  const shutDown = async (): Promise<void> => {
    const { ended, url, token } = await start()
    const headers = { authorization: `token ${token}` }
    const asked = await fetch(new URL('/api/shutdown', url), { method: 'POST', headers })
    expect(asked.status).toBe(200)
    expect((await ended).code).toBe(0)
    await untilGone()
  }
  await runsCode()
  await shutDown()
})

/** What a kernel prints for `code` (the messages of jupyter-client 5.3). */
async function execute(channels: URL, token: string, code: string): Promise<string> {
  channels.protocol = 'ws:'
  channels.searchParams.set('token', token)
  const socket = new WebSocket(channels)
  onTestFinished(() => socket.terminate())
  await once(socket, 'open')
  const { promise, resolve } = Promise.withResolvers<string>()
  let printed = ''
  socket.on('message', (data) => {
    const { msg_type, content, parent_header } = JSON.parse(String(data))
    if (parent_header.msg_id !== header.msg_id) return
    if (msg_type === 'stream') printed += content.text
    if (msg_type === 'error') printed += content.evalue
    if (msg_type === 'status' && content.execution_state === 'idle') resolve(printed)
  })
  const header = {
    ...{ msg_id: randomUUID(), msg_type: 'execute_request', version: '5.3' },
    ...{ session: randomUUID(), username: '', date: new Date().toISOString() },
  }
  const request = { code, silent: false, store_history: true, user_expressions: {} }
  const message = { header, parent_header: {}, metadata: {}, content: request, channel: 'shell' }
  socket.send(JSON.stringify(message))
  return promise
}
