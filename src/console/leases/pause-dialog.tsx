import type { Lease } from '../../api/leases.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { moneyText } from '../ui/format.ts'
import { useLeaseAction } from './use-lease-action.ts'

/** A pause saves no money, which is said before it. */
export function PauseDialog({ lease, onClose }: { lease: Lease; onClose: () => void }) {
  const action = useLeaseAction(lease, 'pause', 'It is paused', onClose)
  return (
    <Dialog
      title="Pause"
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button
            kind="primary"
            autoFocus
            isPending={action.isPending}
            onPress={() => action.mutate({})}
          >
            Pause it
          </Button>
        </>
      }
    >
      <p>
        Every process stops where it is, memory and disk kept, until you resume it. Terminals stand
        still meanwhile.
      </p>
      <p className="soft">
        The devices stay yours: it costs {moneyText(lease.dph)} {lease.asset} an hour as if it ran,
        and its time goes on. To save money, stop it instead.
      </p>
    </Dialog>
  )
}
