import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type DevChain, startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { openDevLedger } from '../../src/chain/dev-ledger.ts'
import type { RailKey } from '../../src/chain/dev-ledger-link.ts'
import { connectJsonRpc } from '../../src/chain/json-rpc.ts'
import { silent } from '../../src/log.ts'

const DEV = 1_000_000n
const HOUR_MS = 3_600_000

function peerKey(): RailKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return {
    publicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(12)),
    privateKey,
  }
}

let folder = ''
let life: AbortController
let dev: DevChain
let genesis: Uint8Array

const start = () =>
  startDevChain({ dataDir: folder, blockMs: 1000, log: silent, signal: life.signal })

beforeEach(async () => {
  life = new AbortController()
  folder = await mkdtemp(join(tmpdir(), 'cn-ledger-'))
  dev = await start()
  genesis = Uint8Array.from(Buffer.from(dev.genesis.slice(2), 'hex'))
})
afterEach(async () => {
  life.abort()
  await dev.close()
  await rm(folder, { recursive: true })
})

const rail = (key: RailKey, url = dev.url, of = genesis) =>
  openDevLedger({ url, genesis: of, key, signal: life.signal })

const total = async (): Promise<bigint> => {
  const rpc = await connectJsonRpc(dev.url)
  const sum = BigInt(await rpc.call<string>('cn_ledgerTotal', []))
  rpc.close()
  return sum
}

test('the faucet gives once, and asking again changes nothing', async () => {
  const renter = await rail(peerKey())
  expect(await renter.balance()).toMatchObject({ total: 0n })
  expect(await renter.faucet()).toBe(1000n * DEV)
  expect(await renter.faucet()).toBe(1000n * DEV)
})

test('an escrow pays what the renter signed and gives the rest back; every step may be repeated', async () => {
  const [renterKey, minerKey] = [peerKey(), peerKey()]
  const [renter, miner] = [await rail(renterKey), await rail(minerKey)]
  const before = await total()
  await renter.faucet()
  const leaseId = Uint8Array.from(randomBytes(32))
  const terms = {
    leaseId,
    miner: minerKey.publicKey,
    deposit: 10n * DEV,
    expiresAtMs: Date.now() + HOUR_MS,
  }
  await renter.escrow.open(terms)
  await renter.escrow.open(terms)
  expect(await renter.balance()).toMatchObject({ total: 990n * DEV })
  expect(await miner.escrow.inspect(leaseId)).toMatchObject({
    deposit: 10n * DEV,
    claimed: 0n,
    expiresAtMs: terms.expiresAtMs,
    state: 'open',
  })
  expect(await total()).toBe(before)

  const signature = renter.escrow.signVoucher(leaseId, 3n * DEV)
  const voucher = { leaseId, cumulative: 3n * DEV, signature }
  expect(miner.escrow.checkVoucher({ ...voucher, renter: renterKey.publicKey })).toBe(true)
  expect(
    miner.escrow.checkVoucher({ ...voucher, cumulative: 4n * DEV, renter: renterKey.publicKey }),
  ).toBe(false)
  await expect(
    miner.escrow.settle(leaseId, { voucher: { ...voucher, cumulative: 4n * DEV } }),
  ).rejects.toMatchObject({
    code: 'CHAIN_REFUSED',
  })
  await expect(renter.escrow.settle(leaseId, { voucher })).rejects.toMatchObject({
    code: 'CHAIN_REFUSED',
  })
  await expect(renter.escrow.reclaim(leaseId)).rejects.toThrow(/not expired/)
  for (let i = 0; i < 2; i++)
    expect(await miner.escrow.settle(leaseId, { voucher })).toMatchObject({
      claimed: 3n * DEV,
      state: 'closed',
    })
  expect(await miner.balance()).toMatchObject({ total: 3n * DEV })
  expect(await renter.balance()).toMatchObject({ total: 997n * DEV })
  await renter.escrow.reclaim(leaseId)
  expect(await renter.balance()).toMatchObject({ total: 997n * DEV })
  expect(await total()).toBe(before)
})

test('without a voucher everything goes back, and after the expiry the renter takes it back', async () => {
  const [renterKey, minerKey] = [peerKey(), peerKey()]
  const [renter, miner] = [await rail(renterKey), await rail(minerKey)]
  await renter.faucet()
  const open = async (expiresAtMs: number): Promise<Uint8Array> => {
    const leaseId = Uint8Array.from(randomBytes(32))
    await renter.escrow.open({ leaseId, miner: minerKey.publicKey, deposit: DEV, expiresAtMs })
    return leaseId
  }
  await miner.escrow.settle(await open(Date.now() + HOUR_MS), undefined)
  const short = await open(Date.now() + 150)
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(await renter.escrow.reclaim(short)).toMatchObject({ state: 'closed', claimed: 0n })
  expect(await renter.balance()).toMatchObject({ total: 1000n * DEV })
  await expect(open(Date.now() - 1)).rejects.toThrow(/expired/)
  await expect(
    renter.escrow.open({
      leaseId: short,
      miner: minerKey.publicKey,
      deposit: 2n * DEV,
      expiresAtMs: 1,
    }),
  ).rejects.toThrow(/another escrow/)
})

test('nobody locks more than it has, and no other key opens an escrow in its name', async () => {
  const [poor, miner] = [await rail(peerKey()), peerKey()]
  const terms = {
    leaseId: new Uint8Array(32),
    miner: miner.publicKey,
    deposit: 1n,
    expiresAtMs: Date.now() + HOUR_MS,
  }
  await expect(poor.escrow.open(terms)).rejects.toMatchObject({ code: 'CHAIN_NO_FUNDS' })
  const rpc = await connectJsonRpc(dev.url)
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
  const forged = {
    leaseId: hex(terms.leaseId),
    renter: hex(miner.publicKey),
    miner: hex(new Uint8Array(32)),
  }
  const rest = { deposit: '1', expiresAtMs: terms.expiresAtMs, signature: '00'.repeat(64) }
  await expect(rpc.call('cn_ledgerOpen', [{ ...forged, ...rest }])).rejects.toThrow(/signature/)
  await expect(rpc.call('cn_ledgerOpen', [{ ...forged, ...rest, deposit: '-1' }])).rejects.toThrow(
    /base units/,
  )
  await expect(rpc.call('cn_ledgerOpen', [])).rejects.toThrow(/object/)
  rpc.close()
})

test('it survives a restart, and a rail finds the chain again', async () => {
  const [renterKey, minerKey] = [peerKey(), peerKey()]
  const first = await rail(renterKey)
  await first.faucet()
  const leaseId = Uint8Array.from(randomBytes(32))
  await first.escrow.open({
    leaseId,
    miner: minerKey.publicKey,
    deposit: DEV,
    expiresAtMs: Date.now() + HOUR_MS,
  })
  await dev.close()
  const port = Number(new URL(dev.url).port)
  dev = await startDevChain({ dataDir: folder, port, log: silent, signal: life.signal })
  expect(await first.balance()).toMatchObject({ total: 999n * DEV })
  expect(await first.escrow.inspect(leaseId)).toMatchObject({ state: 'open', deposit: DEV })
})

test('a network that is no devnet, or another one, gets no rail', async () => {
  const other = Uint8Array.from(randomBytes(32))
  await expect(rail(peerKey(), dev.url, other)).rejects.toMatchObject({ code: 'CHAIN_NOT_DEV' })
})
