import { useState } from 'react'
import type { Lease } from '../../api/leases.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Facts } from '../ui/facts.tsx'
import { Field } from '../ui/field.tsx'
import { momentText } from '../ui/format.ts'
import { Money } from '../ui/money.tsx'
import { costOf } from './amount.ts'
import { useLeaseAction } from './use-lease-action.ts'

const HOUR_MS = 3_600_000
const LEAST_MS = 60_000

/** More time: how much, what it costs at the price that was agreed, and when it ends then. */
export function ExtendDialog({ lease, onClose }: { lease: Lease; onClose: () => void }) {
  const [hours, setHours] = useState('1')
  // One key for one wish: pressing twice, or again after a lost answer, extends once.
  const [key] = useState(() => crypto.randomUUID())
  const action = useLeaseAction(lease, 'extend', 'It runs longer', onClose)
  const addMs = Math.round(Number(hours) * HOUR_MS)
  const isRead = Number.isFinite(addMs) && addMs >= LEAST_MS
  const { asset, dph, durationMs, expiresAtMs } = lease
  const submit = (): void => {
    if (isRead) action.mutate({ body: { addMs }, key: `${key} ${lease.durationMs} ${addMs}` })
  }
  return (
    <Dialog
      title="Extend"
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button kind="primary" isDisabled={!isRead} isPending={action.isPending} onPress={submit}>
            {isRead ? `Extend for at most ${costOf(dph, addMs)} ${asset}` : 'Extend'}
          </Button>
        </>
      }
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          submit()
        }}
      >
        <Field
          label="For how much longer"
          unit="hours"
          inputMode="decimal"
          value={hours}
          onChange={setHours}
          autoFocus
          error={isRead ? undefined : 'a number of hours, e.g. 1 or 0.5'}
          hint="Everything else stays, the price too. Its miner may refuse, for example when somebody waits; then it ends as agreed and nothing is paid."
        />
        {isRead ? (
          <Facts
            items={[
              ['Price', <Money key="p" amount={dph} asset={asset} per="/h" />],
              ['Costs at most', <Money key="c" amount={costOf(dph, addMs)} asset={asset} />],
              [
                'Deposit then',
                <Money key="d" amount={costOf(dph, durationMs + addMs)} asset={asset} />,
              ],
              ['Ends', expiresAtMs === null ? undefined : momentText(expiresAtMs + addMs)],
            ]}
          />
        ) : null}
      </form>
    </Dialog>
  )
}
