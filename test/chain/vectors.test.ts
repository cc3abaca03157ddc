// Bytes that other programs must reproduce: what is signed on the ledger, what a weights commit hides, who signs it.
import { createPrivateKey, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { devGenesis, headerHash, isDevGenesis } from '../../src/chain/dev/header.ts'
import { keyFromSeed, verifyHotkeySignature } from '../../src/chain/keys.ts'
import {
  advanceBytes,
  claimBytes,
  disputeBytes,
  faucetBytes,
  invoiceBytes,
  openBytes,
  payBytes,
  reclaimBytes,
  reverseBytes,
  rulingBytes,
  settleBytes,
  topUpBytes,
  voucherBytes,
} from '../../src/chain/ledger-bytes.ts'
import { decodeAddress } from '../../src/chain/ss58.ts'
import { commitHash } from '../../src/chain/subtensor/submit-weights.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8'))

const fill = (n: number): Uint8Array => new Uint8Array(32).fill(n)

test('the ledger signs the recorded bytes', () => {
  const renter = keyFromSeed('ed25519', fill(1))
  const miner = keyFromSeed('ed25519', fill(2))
  const [genesis, leaseId] = [fill(3), fill(4)]
  const deposit = 12_500_000n
  const open = { leaseId, renter: renter.publicKey, miner: miner.publicKey, deposit }
  const messages = {
    faucet: faucetBytes(genesis, renter.publicKey),
    open: openBytes(genesis, { ...open, expiresAtMs: 1_800_000_000_000 }),
    voucher: voucherBytes(genesis, leaseId, 7_250_000n),
    settle: settleBytes(genesis, leaseId, 7_250_000n),
    reclaim: reclaimBytes(genesis, leaseId),
    openWithArbiterAndFee: openBytes(genesis, {
      ...open,
      expiresAtMs: 1_800_000_000_000,
      arbiter: fill(5),
      fee: { bps: 100, to: fill(6) },
    }),
    advance: advanceBytes(genesis, leaseId, 7_250_000n),
    claim: claimBytes(genesis, leaseId, 7_250_000n),
    dispute: disputeBytes(genesis, leaseId),
    ruling: rulingBytes(genesis, leaseId, 7_250_000n),
    invoice: invoiceBytes(genesis, {
      ...{ leaseId, seq: 3, amount: 7_250_000n, payTo: miner.publicKey },
      expiresAtMs: 1_800_000_000_000,
    }),
    pay: payBytes(genesis, {
      ...{ from: renter.publicKey, note: fill(7) },
      outputs: [{ to: miner.publicKey, amount: 7_250_000n }],
    }),
    reverse: reverseBytes(genesis, fill(8)),
    topUp: topUpBytes(genesis, leaseId, 7_250_000n, 1_800_000_000_000),
  }
  const made = Object.entries(messages).map(([name, bytes]) => {
    const signer = ['settle', 'claim'].includes(name) ? miner : renter
    const signature = signer.sign(bytes)
    expect(verifyHotkeySignature('ed25519', signer.publicKey, bytes, signature)).toBe(true)
    return [name, { bytes: hex(bytes), signature: hex(signature) }]
  })
  expect(Object.fromEntries(made)).toEqual(read('ledger'))
})

test('what is signed for one purpose, chain or lease is void for another', () => {
  const bytes = [
    voucherBytes(fill(3), fill(4), 1n),
    voucherBytes(fill(3), fill(5), 1n),
    voucherBytes(fill(9), fill(4), 1n),
    voucherBytes(fill(3), fill(4), 2n),
    settleBytes(fill(3), fill(4), 1n),
    advanceBytes(fill(3), fill(4), 1n),
    claimBytes(fill(3), fill(4), 1n),
    rulingBytes(fill(3), fill(4), 1n),
    disputeBytes(fill(3), fill(4)),
    reclaimBytes(fill(3), fill(4)),
    topUpBytes(fill(3), fill(4), 1n, 1),
  ].map(hex)
  expect(new Set(bytes).size).toBe(bytes.length)
})

test('a weights commit is the hash that the real runtime took and opened', () => {
  const steps = read('chain-trace-218') as { name: string; call: string; signer: string }[]
  const commit = steps.find(({ name }) => name === 'commitWeights')!
  const salt = [11, 22, 33, 44, 55, 66, 77, 88]
  const reveal = {
    netuid: 2,
    uids: [2, 3],
    values: [10_000, 50_000],
    salt,
    versionKey: 0,
    committedAt: 0,
  }
  expect(commit.call.endsWith(hex(commitHash(decodeAddress(commit.signer), reveal)))).toBe(true)
})

test("a dev chain's genesis follows from its seed, and nothing else passes for one", () => {
  const genesis = devGenesis(fill(6))
  const hash = Uint8Array.from(Buffer.from(headerHash(genesis).slice(2), 'hex'))
  expect(hex(hash)).toBe('339d8226128f717923a6d57f133e6d2f2d96e17d15aa086892c7a92e952eba29')
  expect(isDevGenesis(hash, genesis.stateRoot)).toBe(true)
  expect(isDevGenesis(hash, devGenesis(fill(7)).stateRoot)).toBe(false)
  expect(isDevGenesis(fill(6), genesis.stateRoot)).toBe(false)
  expect(isDevGenesis(hash, 'nonsense')).toBe(false)
})

test('node:crypto makes the same ed25519 signatures', () => {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), fill(1)])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const message = voucherBytes(fill(3), fill(4), 7_250_000n)
  expect(hex(sign(null, message, key))).toBe(read('ledger').voucher.signature)
})
