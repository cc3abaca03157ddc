import { faucetBytes } from '../ledger-bytes.ts'
import { escrowMethods } from './escrow-methods.ts'
import { GRANT, grant } from './ledger.ts'
import type { LedgerBook } from './ledger-book.ts'
import { assertSigned, bytesIn, hexOf, objectIn } from './ledger-params.ts'
import { paymentMethods } from './payment-methods.ts'
import type { Methods } from './rpc-server.ts'

/**
 * The ledger over JSON-RPC: every change is signed by the ed25519 key of the account it concerns, over bytes that
 * name the operation and this chain. One object of parameters per call.
 */
export const ledgerMethods = (
  book: LedgerBook,
  genesis: Uint8Array,
  nowMs: () => number,
): Methods => ({
  cn_ledgerInfo: () => ({ asset: 'DEV', decimals: 6, grant: GRANT.toString() }),
  cn_ledgerTotal: () => book.total().toString(),
  cn_ledgerBalance: (params) => {
    return book.balance(hexOf(bytesIn(objectIn(params), 'account', 32))).toString()
  },
  async cn_ledgerFaucet(params) {
    const asked = objectIn(params)
    const account = bytesIn(asked, 'account', 32)
    assertSigned(account, faucetBytes(genesis, account), bytesIn(asked, 'signature', 64))
    await book.apply((ledger) => grant(ledger, hexOf(account)))
    return book.balance(hexOf(account)).toString()
  },
  ...escrowMethods(book, genesis, nowMs),
  ...paymentMethods(book, genesis, nowMs),
})
