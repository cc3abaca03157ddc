import type { DevLedgerRail } from '../../chain/dev-ledger.ts'
import { codeOf, messageOf } from '../../errors.ts'
import type { Core } from '../core.ts'
import type { Service } from '../service.ts'

/** Takes the embedded ledger's one grant, so that a renter of a devnet can pay; in the background, once. */
export const fundRenter = ({ core, ledger }: { core: Core; ledger: DevLedgerRail }): Service => ({
  name: 'fund-renter',
  async start() {
    ledger.faucet().then(
      (balance) => core.log.info('ledger-funded', { balance, asset: ledger.caps.asset }),
      (error: unknown) =>
        core.log.warn('ledger-not-funded', { code: codeOf(error), reason: messageOf(error) }),
    )
  },
})
