import type { Lease } from '../../api/leases.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Facts } from '../ui/facts.tsx'
import { Money } from '../ui/money.tsx'
import { differenceOf } from './amount.ts'
import { useLeaseAction } from './use-lease-action.ts'

/** The end of a lease cannot be taken back: what it cost, what comes back, and what is lost is said first. */
export function StopDialog({ lease, onClose }: { lease: Lease; onClose: () => void }) {
  const action = useLeaseAction(lease, 'stop', 'It is ending', onClose)
  const { asset, owed, cap, volumes } = lease
  return (
    <Dialog
      title="Stop this lease"
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button autoFocus onPress={onClose}>
            Keep it
          </Button>
          <Button kind="danger" isPending={action.isPending} onPress={() => action.mutate({})}>
            Stop it
          </Button>
        </>
      }
    >
      <div className="stack">
        <p>
          Its container is removed with everything in it
          {volumes.length === 0
            ? '. Download what you want to keep first.'
            : `, except for what lies in ${volumes.map(({ name }) => name).join(', ')}.`}
        </p>
        <Facts
          items={[
            ['Cost until now', <Money key="o" amount={owed} asset={asset} />],
            ['Deposit', <Money key="c" amount={cap} asset={asset} />],
            [
              'Comes back',
              <span key="b">
                about <Money amount={differenceOf(cap, owed)} asset={asset} />
              </span>,
            ],
          ]}
        />
        <p className="soft">
          A last receipt pays the seconds since the newest one; no hour is rounded up.
        </p>
      </div>
    </Dialog>
  )
}
