import { hash } from 'node:crypto'
import { DEV_ACCOUNT } from '../dev-account.ts'
import { verifyHotkeySignature } from '../keys.ts'
import { payBytes, reverseBytes } from '../ledger-bytes.ts'
import { pay, reverse } from './ledger.ts'
import { type LedgerBook, paymentJson } from './ledger-book.ts'
import { amountIn, assertSigned, bytesIn, hexOf, objectIn, type Params } from './ledger-params.ts'
import { badParams, RpcError } from './rpc-error.ts'
import type { Methods } from './rpc-server.ts'

/** Shares of one payment at most. */
const MAX_OUTPUTS = 256

/** Payments from account to account, each under a note of its payer. */
export function paymentMethods(
  book: LedgerBook,
  genesis: Uint8Array,
  nowMs: () => number,
): Methods {
  const shown = (txid: string) => {
    const found = book.payment(txid)
    return found === undefined ? null : paymentJson(found)
  }
  return {
    cn_ledgerPayment: (params) => shown(hexOf(bytesIn(objectIn(params), 'txid', 32))),
    cn_ledgerPaid: (params) => {
      const asked = objectIn(params)
      const to = hexOf(bytesIn(asked, 'to', 32))
      const found = book.paymentTo(to, hexOf(bytesIn(asked, 'note', 32)))
      return found === undefined ? null : paymentJson(found)
    },
    async cn_ledgerPay(params) {
      const asked = objectIn(params)
      const from = bytesIn(asked, 'from', 32)
      const note = bytesIn(asked, 'note', 32)
      const outputs = outputsIn(asked)
      const message = payBytes(genesis, { from, note, outputs })
      assertSigned(from, message, bytesIn(asked, 'signature', 64))
      const txid = hash('sha256', message)
      const named = outputs.map(({ to, amount }) => ({ to: hexOf(to), amount }))
      const payment = { txid, from: hexOf(from), note: hexOf(note), outputs: named, atMs: nowMs() }
      await book.apply((ledger) => pay(ledger, payment))
      return shown(txid)
    },
    async cn_ledgerReverse(params) {
      const asked = objectIn(params)
      const txid = bytesIn(asked, 'txid', 32)
      const { type, publicKey } = DEV_ACCOUNT
      const signature = bytesIn(asked, 'signature', 64)
      if (!verifyHotkeySignature(type, publicKey, reverseBytes(genesis, txid), signature))
        throw new RpcError(-32001, "only the chain's own account undoes a payment")
      await book.apply((ledger) => reverse(ledger, hexOf(txid)))
      return shown(hexOf(txid))
    },
  }
}

function outputsIn(params: Params): { to: Uint8Array; amount: bigint }[] {
  const outputs = params['outputs']
  if (!Array.isArray(outputs) || outputs.length === 0 || outputs.length > MAX_OUTPUTS)
    throw badParams(`outputs must be 1 to ${MAX_OUTPUTS}`)
  return outputs.map((output) => {
    const one = objectIn([output])
    return { to: bytesIn(one, 'to', 32), amount: amountIn(one, 'amount') }
  })
}
