import { hash } from 'node:crypto'
import { NodeError } from '../errors.ts'
import { devEscrow } from './dev-escrow.ts'
import { type DevRailOptions, type LedgerLink, ledgerLink } from './dev-ledger-link.ts'
import { fromHex, toHex } from './hex.ts'
import { faucetBytes, invoiceBytes, payBytes } from './ledger-bytes.ts'
import type { DepositRail, Invoice, PaymentProof, PaymentState } from './payment-rail.ts'

/** The rail of the embedded chain's ledger in DEV. It also asks the faucet, so that a devnet renter can pay. */
export interface DevLedgerRail extends DepositRail {
  /** Takes this account's one grant; the balance after it. Asking again changes nothing. */
  faucet(): Promise<bigint>
}

interface PaymentJson {
  readonly txid: string
  readonly note: string
  readonly outputs: readonly { readonly to: string; readonly amount: string }[]
  readonly atMs: number
  readonly reversed: boolean
}

interface Output {
  readonly to: Uint8Array
  readonly amount: bigint
}

const NAME = 'dev'
const ASSET = 'DEV'

/** The rail; it connects when it is first used (dev-ledger-link.ts says what calls throw). */
export function devLedger(options: DevRailOptions, nowMs: () => number = Date.now): DevLedgerRail {
  const link = ledgerLink(options)
  const { genesis, publicKey, signed, call } = link
  const account = toHex(publicKey)
  const balance = async (): Promise<bigint> =>
    BigInt(await call<string>('cn_ledgerBalance', { account }))
  const verify = async (invoice: Invoice, { txid }: PaymentProof): Promise<PaymentState> => {
    const payment = await call<PaymentJson | null>('cn_ledgerPayment', { txid })
    return payment === null ? UNSEEN : standing(genesis, invoice, payment)
  }
  return {
    name: NAME,
    caps: {
      asset: ASSET,
      escrow: 'ledger',
      vouchers: true,
      privatePayments: false,
      settleSeconds: 0,
      minPayment: 1n,
      feePerPayment: 0n,
    },
    start: async () => void (await balance()),
    stop: async () => link.close(),
    async invoice({ leaseId, seq, amount, ttlMs }) {
      const terms = { leaseId, seq, amount, expiresAtMs: nowMs() + ttlMs }
      const id = invoiceId(genesis, { ...terms, payTo: account })
      return { id, ...terms, asset: ASSET, payTo: account }
    },
    async pay(invoice) {
      assertPayable(genesis, invoice, nowMs())
      return send(link, invoice.id, [{ to: addressOf(invoice.payTo), amount: invoice.amount }])
    },
    async status(invoice, proof) {
      if (proof !== undefined) return verify(invoice, proof)
      const payment = await call<PaymentJson | null>('cn_ledgerPaid', {
        to: invoice.payTo,
        note: toHex(invoice.id),
      })
      return payment === null ? UNSEEN : standing(genesis, invoice, payment)
    },
    verify,
    async balance() {
      const total = await balance()
      return { total, spendable: total }
    },
    payout(to, note) {
      const id = new Uint8Array(hash('sha256', `compute-node/payout/1\0${note}`, 'buffer'))
      const outputs = to.map(({ address, amount }) => ({ to: addressOf(address), amount }))
      return send(link, id, outputs)
    },
    escrow: devEscrow(link),
    async faucet() {
      const signature = signed(faucetBytes(genesis, publicKey))
      return BigInt(await call<string>('cn_ledgerFaucet', { account, signature }))
    },
  }
}

/** The rail, once its chain has answered and proved to be the right one; throws as its calls do. */
export async function openDevLedger(options: DevRailOptions): Promise<DevLedgerRail> {
  const rail = devLedger(options)
  await rail.start()
  return rail
}

const UNSEEN: PaymentState = { state: 'unseen', amount: 0n, confirmations: 0 }

async function send(
  { genesis, publicKey, signed, call }: LedgerLink,
  note: Uint8Array,
  outputs: readonly Output[],
): Promise<PaymentProof> {
  const { txid } = await call<PaymentJson>('cn_ledgerPay', {
    from: toHex(publicKey),
    note: toHex(note),
    outputs: outputs.map(({ to, amount }) => ({ to: toHex(to), amount: amount.toString() })),
    signature: signed(payBytes(genesis, { from: publicKey, note, outputs })),
  })
  return { rail: NAME, txid }
}

type InvoiceTerms = Pick<Invoice, 'leaseId' | 'seq' | 'amount' | 'payTo' | 'expiresAtMs'>

const invoiceId = (genesis: Uint8Array, { payTo, ...terms }: InvoiceTerms): Uint8Array => {
  const bytes = invoiceBytes(genesis, { ...terms, payTo: addressOf(payTo) })
  return new Uint8Array(hash('sha256', bytes, 'buffer'))
}

function addressOf(text: string): Uint8Array {
  const key = fromHex(text, 32)
  if (key?.length === 32) return key
  throw new NodeError('BAD_MESSAGE', 'an address of the dev ledger is a key of 32 bytes in hex')
}

/** An id that does not stand for its other fields would pay one thing and acknowledge another. */
function assertPayable(genesis: Uint8Array, invoice: Invoice, nowMs: number): void {
  if (invoice.asset !== ASSET || !isSame(invoice.id, invoiceId(genesis, invoice))) {
    throw new NodeError('BAD_MESSAGE', 'the invoice is not what its id stands for')
  }
  if (invoice.expiresAtMs <= nowMs) {
    throw new NodeError('CHAIN_REFUSED', 'the invoice has expired', { next: 'ask for a new one' })
  }
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

/** What a payment on the ledger means for an invoice. */
function standing(genesis: Uint8Array, invoice: Invoice, payment: PaymentJson): PaymentState {
  const { txid, note, outputs, atMs, reversed } = payment
  const failed = (reason: string): PaymentState => ({
    ...{ state: 'failed', amount: 0n, confirmations: 0, txid, reason },
  })
  if (!isSame(invoice.id, invoiceId(genesis, invoice))) return failed('it is no such invoice')
  if (note !== hex(invoice.id)) return failed('it pays another invoice')
  if (reversed) return { state: 'reversed', amount: 0n, confirmations: 0, txid }
  const own = outputs.filter(({ to }) => to === hex(addressOf(invoice.payTo)))
  const amount = own.reduce((sum, output) => sum + BigInt(output.amount), 0n)
  if (amount < invoice.amount) return failed('it pays less than was asked')
  if (atMs > invoice.expiresAtMs) return failed('it came after the invoice had expired')
  return { state: 'confirmed', amount, confirmations: 1, txid }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
