import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isBadRequest, isNotFound, isRefused, isUnreachable } from '../../../src/client/errors.ts'
import type { RunningNode } from '../../../src/node/node.ts'
import { connect } from '../../../src/node/sdk/connect.ts'
import { localNode, TEST_GENESIS } from '../../support/local-node.ts'

let root: string
let running: RunningNode
const dataDir = (): string => join(root, 'running')
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'cn-sdk-'))
  running = await localNode({ dataDir: dataDir(), apiPort: 0 })
})
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  await rm(root, { recursive: true })
})

const tokenOf = async () => (await readFile(join(dataDir(), 'control.token'), 'utf8')).trim()
const urlConnection = async () => connect({ url: running.control.apiUrl!, token: await tokenOf() })

describe.each([
  ['the folder of a running node', () => connect({ dataDir: dataDir() })],
  ['its address and token', urlConnection],
])('connected by %s', (_, connected) => {
  test('it answers: status, peers, offers, leases, scores, attestations', async () => {
    await using node = await connected()
    expect((await node.status()).peerId).toBe(running.parts.core.peerId)
    expect(await node.peers()).toEqual([])
    expect(await node.offers.search('gpu_name=H100')).toEqual([])
    expect(await node.leases.list()).toEqual([])
    expect(await node.scores.list()).toEqual([])
    expect(await node.attestations({ limit: 3 })).toEqual([])
  })

  test('its refusals are the errors that it threw', async () => {
    await using node = await connected()
    const thrown = async (asked: Promise<unknown>) => asked.catch((error: unknown) => error)
    expect(isBadRequest(await thrown(node.offers.search('gpu_name=')))).toBe(true)
    expect(isNotFound(await thrown(node.leases.get('ffffffff')))).toBe(true)
    expect(isNotFound(await thrown(node.rent()))).toBe(true)
    expect(isNotFound(await thrown(node.transcripts.get('f'.repeat(64))))).toBe(true)
  })

  test('events come as they happen, those of the wanted names', async () => {
    await using node = await connected()
    const events = node.events({ event: ['test-one', 'test-two'] })[Symbol.asyncIterator]()
    const first = events.next()
    running.parts.core.events.emit('test-other')
    running.parts.core.events.emit('test-one', { a: 1 })
    expect((await first).value).toMatchObject({ event: 'test-one', a: 1 })
    await events.return?.()
  })

  test('closing it ends what was begun, and a signal ends one call alone', async () => {
    const node = await connected()
    const stop = new AbortController()
    const watching = Array.fromAsync(node.offers.watch({ signal: stop.signal }))
    stop.abort()
    expect(await watching).toEqual([])
    const events = Array.fromAsync(node.events({ event: 'never' }))
    await node[Symbol.asyncDispose]()
    expect(await events).toEqual([])
    await expect(node.status()).rejects.toThrow('was closed')
  })
})

describe('a folder in which no node runs', () => {
  test('is said to have none', async () => {
    const error: unknown = await connect({ dataDir: join(root, 'none') }).catch((e: unknown) => e)
    expect(isUnreachable(error) && error.code).toBe('FAILED_NOT_RUNNING')
  })

  test('gets a renter for this program alone, where that is asked for', async () => {
    const folder = join(root, 'started')
    const start = { network: 'local', genesis: TEST_GENESIS }
    await using node = await connect({ dataDir: folder, start })
    expect((await node.status()).roles).toEqual(['renter'])
    // A second one finds the first.
    await using other = await connect({ dataDir: folder, start })
    expect((await other.status()).peerId).toBe((await node.status()).peerId)
    await other[Symbol.asyncDispose]()
    await node[Symbol.asyncDispose]()
    await expect(connect({ dataDir: folder })).rejects.toMatchObject({ code: 'FAILED_NOT_RUNNING' })
  })

  test('options that make no sense are refused as on the command line', async () => {
    const start = { network: 'nowhere' }
    await expect(connect({ dataDir: join(root, 'bad'), start })).rejects.toMatchObject({
      code: 'BAD_CONFIG_VALUE',
    })
  })
})

describe('secrets', () => {
  const secret = 'hunter2-hunter2'

  test('a token that is refused is in no error', async () => {
    const place = { url: running.control.apiUrl!, token: secret }
    const refused: unknown = await connect(place).catch((error: unknown) => error)
    expect(isRefused(refused)).toBe(true)
    expect(inside(refused)).not.toContain(secret)
  })

  test('nor are a registry login and variables', async () => {
    await using node = await connect({ dataDir: dataDir() })
    const registryAuth = { username: 'me', password: secret }
    const rented: unknown = await node.rent({ registryAuth, env: { A: secret } }).catch((e) => e)
    expect(inside(rented)).not.toContain(secret)
  })
})

/** All that somebody could print of an error. */
const inside = (error: unknown): string => {
  const { message, stack, cause, ...rest } = error as Error & Record<string, unknown>
  return [message, stack, String(cause), JSON.stringify(rest)].join('\n')
}
