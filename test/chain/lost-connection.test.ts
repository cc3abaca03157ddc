import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type DevChain, startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { DEV_ACCOUNT } from '../../src/chain/dev-account.ts'
import { keyFromSeed } from '../../src/chain/keys.ts'
import { connectChain } from '../../src/chain/subtensor.ts'
import { silent } from '../../src/log.ts'

const TAO = 1_000_000_000n

/** Requests before a transaction are smaller. */
const TRANSACTION_BYTES = 330

/** A wire between client and chain that can be cut, when told or when a transaction passes. */
async function wireTo(url: string) {
  const sockets = new Set<Socket>()
  let armed = false
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const server = createServer((client) => {
    const chain = connect(Number(new URL(url).port), '127.0.0.1')
    for (const [from, to] of [
      [client, chain],
      [chain, client],
    ] as const) {
      sockets.add(from)
      from.on('error', () => undefined) // cut on purpose
      from.on('close', () => to.destroy())
    }
    chain.on('data', (data) => client.write(data))
    client.on('data', (data) => {
      chain.write(data)
      if (armed && data.length > TRANSACTION_BYTES) {
        armed = false
        setTimeout(cut, 20)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    /** Cuts shortly after the next large message: a transaction. */
    cutAtTransaction: (): void => {
      armed = true
    },
    close: (): void => {
      cut()
      server.close()
    },
  }
}

let folder = ''
let dev: DevChain
let life: AbortController
beforeEach(async () => {
  life = new AbortController()
  folder = await mkdtemp(join(tmpdir(), 'cn-wire-'))
  dev = await startDevChain({ dataDir: folder, blockMs: 300, log: silent, signal: life.signal })
})
afterEach(async () => {
  life.abort()
  await dev.close()
  await rm(folder, { recursive: true })
})

test('a transaction whose connection was lost is found in its block, not sent twice', async () => {
  const wire = await wireTo(dev.url)
  const chain = await connectChain(wire.url, { log: silent, signal: life.signal })
  const to = keyFromSeed('sr25519', new Uint8Array(32).fill(9)).address
  wire.cutAtTransaction()
  const { events, block } = await chain.transfer(DEV_ACCOUNT, to, 2n * TAO)
  expect(events).toContain('balances.Transfer')
  expect(block.number).toBeGreaterThan(0)
  expect(await chain.balance(to)).toBe(2n * TAO)
  wire.cutAtTransaction()
  const missing = keyFromSeed('sr25519', new Uint8Array(32).fill(8))
  await expect(chain.setCommitment(1, missing, new Uint8Array(73))).rejects.toMatchObject({
    code: 'CHAIN_DISPATCH',
    details: { error: 'AccountNotAllowedCommit' },
  })
  await chain.close()
  wire.close()
})

test('reads wait for a lost connection to come back', async () => {
  const wire = await wireTo(dev.url)
  const chain = await connectChain(wire.url, { log: silent, signal: life.signal })
  wire.cut()
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect((await chain.head()).number).toBeGreaterThanOrEqual(0)
  await chain.close()
  wire.close()
})
