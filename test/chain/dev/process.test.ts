// The dev chain as its own process: what was acknowledged survives kill -9, and hostile clients stop nothing.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { DEV_ACCOUNT } from '../../../src/chain/dev-account.ts'
import { connectJsonRpc } from '../../../src/chain/json-rpc.ts'
import { keyFromSeed } from '../../../src/chain/keys.ts'
import { connectChain } from '../../../src/chain/subtensor.ts'
import { silent } from '../../../src/log.ts'

const TAO = 1_000_000_000n
const cli = join(import.meta.dirname, '../../../src/node/cli.ts')

let folder = ''
let child: ChildProcess
let ready: { url: string; genesis: string }

async function start(port = 0): Promise<void> {
  const args = ['chain', 'dev', '--json', '--netuid', '1', '--block-ms', '200', '--tempo', '5']
  child = spawn(process.execPath, [cli, ...args, '--port', String(port), '--data-dir', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface({ input: child.stdout! })) {
    ready = JSON.parse(line)
    return
  }
  throw new Error('the chain ended before it was ready')
}

async function stop(signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cn-chain-process-'))
  await start()
})
afterEach(async () => {
  await stop('SIGKILL')
  await rm(folder, { recursive: true })
})

test('what was final survives kill -9, and a connected client goes on', async () => {
  const { signal } = new AbortController()
  const chain = await connectChain(ready.url, { log: silent, signal })
  const hotkey = keyFromSeed('sr25519', new Uint8Array(32).fill(7))
  await chain.register(1, DEV_ACCOUNT, hotkey.address)
  await chain.addStake(1, DEV_ACCOUNT, hotkey.address, 5n * TAO)
  const { block } = await chain.setCommitment(1, hotkey, new Uint8Array(73).fill(1))
  const heads: number[] = []
  await chain.onHead(({ number }) => heads.push(number), signal)
  const before = { ready, free: await chain.balance(DEV_ACCOUNT.address) }
  await stop('SIGKILL')
  await start(Number(new URL(ready.url).port))
  expect(ready.genesis).toBe(before.ready.genesis)
  const { neurons, block: now } = await chain.metagraph(1)
  expect(now.number).toBeGreaterThanOrEqual(block.number)
  expect(neurons[0]?.stake).toBeGreaterThan(4n * TAO)
  expect(await chain.balance(DEV_ACCOUNT.address)).toBe(before.free)
  expect((await chain.commitments(1)).get(hotkey.address)?.bytes).toEqual(
    new Uint8Array(73).fill(1),
  )
  await chain.transfer(DEV_ACCOUNT, hotkey.address, TAO)
  expect(await chain.balance(hotkey.address)).toBe(TAO)
  expect(heads.at(-1)).toBeGreaterThan(now.number)
  await chain.close()
})

test('it ends cleanly at SIGTERM, and a second one on the folder says who has it', async () => {
  const args = ['chain', 'dev', '--netuid', '1', '--port', '0', '--data-dir', folder]
  const second = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  const said: string[] = []
  second.stderr.on('data', (text) => said.push(String(text)))
  const [code] = await once(second, 'exit')
  expect([code, said.join('')]).toEqual([2, expect.stringContaining('another dev chain')])
  await stop('SIGTERM')
  expect(child.exitCode).toBe(0)
})

/** Sends text over a fresh connection; the error code of the answer, or undefined when it was cut. */
function ask(text: string | Buffer): Promise<number | undefined> {
  const socket = new WebSocket(ready.url)
  return new Promise((resolve) => {
    socket.on('open', () => socket.send(text))
    socket.on('message', (data) => {
      resolve(JSON.parse(String(data)).error?.code ?? 0)
      socket.close()
    })
    socket.on('close', () => resolve(undefined))
    socket.on('error', () => resolve(undefined))
  })
}

const request = (method: string, ...params: unknown[]): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })

test('malformed, oversized and unknown requests are refused, and it goes on', async () => {
  const answers = await Promise.all([
    ask('no json'),
    ask('null'),
    ask('[]'),
    ask(JSON.stringify({ id: 1, method: 'system_chain', params: {} })),
    ask(request('__proto__')),
    ask(request('constructor')),
    ask(request('no_such_method')),
    ask(request('author_submitExtrinsic', '0x00')),
    ask(request('author_submitExtrinsic', 'zz')),
    ask(request('author_submitExtrinsic', `0x${'ff'.repeat(200)}`)),
    ask(request('author_submitAndWatchExtrinsic', '0x00')),
    ask(request('state_getStorage', '0x00', '0x1234')),
    ask(request('state_queryStorageAt', Array(5000).fill('0x00'))),
    ask(request('state_subscribeStorage', 'x')),
    ask(request('system_accountNextIndex', 'x')),
    ask(request('state_call', 'BlockBuilder_apply_extrinsic', '0x')),
    ask(request('cn_pulses', 1, 1e9)),
    ask(request('cn_pulses', -1, 0)),
    ask(request('cn_ledgerEscrow', { leaseId: 'x' })),
    ask(Buffer.alloc(2 ** 20 + 1, 'x')),
  ])
  const [parse, invalid, unknown, params, undecodable] = [-32700, -32600, -32601, -32602, 1002]
  expect(answers).toEqual([
    ...[parse, invalid, invalid, invalid, unknown, unknown, unknown],
    ...[undecodable, params, undecodable, undecodable],
    ...[4003, params, params, params, unknown, params, params, params, undefined],
  ])
  expect(await ask(request('system_chain'))).toBe(0)
})

test('no pulse of the future is ever told', async () => {
  const rpc = await connectJsonRpc(ready.url)
  const { periodMs, genesisMs } = await rpc.call<Record<string, number>>('cn_beaconInfo', [])
  const newest = Math.floor((Date.now() - genesisMs!) / periodMs!) + 1
  expect(await rpc.call('cn_pulses', [newest + 5, newest + 20])).toEqual([])
  rpc.close()
})

test('a web page cannot reach it, and raw bytes hurt nobody', async () => {
  const page = new WebSocket(ready.url, { origin: 'http://evil.example' })
  const [code] = await once(page, 'close')
  expect(code).toBe(1008)
  const { port } = new URL(ready.url)
  const raw = connect(Number(port), '127.0.0.1')
  raw.on('error', () => undefined) // it may well reset us
  raw.resume()
  raw.write('\u0000\u0001 not http at all\r\n\r\n')
  await once(raw, 'close')
  expect(await ask(request('system_chain'))).toBe(0)
})
