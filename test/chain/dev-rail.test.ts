import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DevChain, startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { DEV_ACCOUNT } from '../../src/chain/dev-account.ts'
import { type DevLedgerRail, devLedger } from '../../src/chain/dev-ledger.ts'
import { fromHex, toHex } from '../../src/chain/hex.ts'
import { connectJsonRpc, type JsonRpc } from '../../src/chain/json-rpc.ts'
import { reverseBytes } from '../../src/chain/ledger-bytes.ts'
import { silent } from '../../src/log.ts'
import {
  escrowConformance,
  FUNDS,
  type Party,
  paymentConformance,
  type RailHarness,
} from '../support/rail-conformance.ts'

const life = new AbortController()
let folder: string
let chain: DevChain
let rpc: JsonRpc
let genesis: Uint8Array
let payer: Party<DevLedgerRail>
let payee: Party<DevLedgerRail>
let other: Party<DevLedgerRail>
/** How far the ledger's clock was set forward. */
let aheadMs = 0
const nowMs = () => Date.now() + aheadMs

function party(): Party<DevLedgerRail> {
  const pair = generateKeyPairSync('ed25519')
  const spki = pair.publicKey.export({ format: 'der', type: 'spki' })
  const publicKey = new Uint8Array(spki.subarray(12))
  const key = { publicKey, privateKey: pair.privateKey }
  const rail = devLedger({ url: chain.url, genesis, key, signal: life.signal }, nowMs)
  return { rail, publicKey }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cn-rail-'))
  const { signal } = life
  chain = await startDevChain({ dataDir: folder, log: silent, signal, ledgerNowMs: nowMs })
  genesis = fromHex(chain.genesis, 32)!
  rpc = await connectJsonRpc(chain.url)
  payer = party()
  payee = party()
  other = party()
  await payer.rail.start()
  expect(await payer.rail.faucet()).toBeGreaterThan(FUNDS)
})
afterAll(async () => {
  await Promise.all([payer, payee, other].map(({ rail }) => rail.stop()))
  rpc.close()
  life.abort()
  await chain.close()
  await rm(folder, { recursive: true })
})

const balanceOf = async (account: Uint8Array): Promise<bigint> =>
  BigInt(await rpc.call<string>('cn_ledgerBalance', [{ account: toHex(account) }]))

const harness = (): RailHarness<DevLedgerRail> => ({
  ...{ payer, payee, other, nowMs, balanceOf },
  total: async () => BigInt(await rpc.call<string>('cn_ledgerTotal', [])),
  passMs: async (ms) => {
    aheadMs += ms
  },
  async reverse(txid) {
    const signature = toHex(DEV_ACCOUNT.sign(reverseBytes(genesis, fromHex(txid, 32)!)))
    await rpc.call('cn_ledgerReverse', [{ txid, signature }])
  },
})

paymentConformance('dev ledger', harness)
escrowConformance('dev ledger', harness)

test('only the chain’s own account undoes a payment, and payments survive a restart', async () => {
  const invoice = await payee.rail.invoice({
    ...{ leaseId: new Uint8Array(32), seq: 7, amount: 5n, ttlMs: 60_000 },
  })
  const proof = await payer.rail.pay(invoice)
  const signature = toHex(new Uint8Array(64))
  await expect(
    rpc.call('cn_ledgerReverse', [{ txid: proof.txid, signature }]),
  ).rejects.toMatchObject({ code: 'CHAIN_REFUSED' })
  await chain.close()
  const port = Number(new URL(chain.url).port)
  const { signal } = life
  chain = await startDevChain({ dataDir: folder, port, log: silent, signal, ledgerNowMs: nowMs })
  rpc = await connectJsonRpc(chain.url)
  expect(await payee.rail.status(invoice)).toMatchObject({ state: 'confirmed', txid: proof.txid })
})
