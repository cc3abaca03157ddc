import { Ellipsis, Pause, Play, Square, Timer } from 'lucide-react'
import { useMemo, useState } from 'react'
import type { Lease } from '../../api/leases.ts'
import { useProvideCommands } from '../app/palette-commands.ts'
import { Button } from '../ui/button.tsx'
import { Menu } from '../ui/menu.tsx'
import { ExtendDialog } from './extend-dialog.tsx'
import { LabelsDialog } from './labels-dialog.tsx'
import { hasStarted } from './lease-sign.ts'
import { PauseDialog } from './pause-dialog.tsx'
import { StopDialog } from './stop-dialog.tsx'
import { TimeLeft } from './time-left.tsx'
import { useLeaseAction } from './use-lease-action.ts'

type Open = 'extend' | 'pause' | 'stop' | 'labels' | undefined

/** What can be done with a lease as a whole, and how long it still runs. */
export function LeaseActions({ lease }: { lease: Lease }) {
  const [open, setOpen] = useState<Open>()
  const close = (): void => setOpen(undefined)
  const resume = useLeaseAction(lease, 'resume', 'It goes on')
  const runs = hasStarted(lease.state) && !lease.over
  const isPaused = lease.state === 'PAUSED'
  const commands = useMemo(
    () =>
      lease.over
        ? []
        : [
            { title: 'Extend this lease', run: () => setOpen('extend') },
            { title: 'Stop this lease', run: () => setOpen('stop') },
            { title: 'Label this lease', run: () => setOpen('labels') },
          ],
    [lease.over],
  )
  useProvideCommands(commands)
  return (
    <>
      {lease.over ? null : <TimeLeft lease={lease} />}
      {runs && isPaused ? (
        <Button
          kind="primary"
          icon={<Play aria-hidden="true" />}
          isPending={resume.isPending}
          onPress={() => resume.mutate({})}
        >
          Resume
        </Button>
      ) : null}
      {runs ? (
        <Button icon={<Timer aria-hidden="true" />} onPress={() => setOpen('extend')}>
          Extend
        </Button>
      ) : null}
      {runs && !isPaused ? (
        <Button
          kind="quiet"
          icon={<Pause aria-hidden="true" />}
          label="Pause"
          onPress={() => setOpen('pause')}
        />
      ) : null}
      {lease.over ? null : (
        <Button kind="danger" icon={<Square aria-hidden="true" />} onPress={() => setOpen('stop')}>
          Stop
        </Button>
      )}
      <Menu
        label="More"
        icon={<Ellipsis aria-hidden="true" />}
        entries={[{ id: 'labels', title: 'Name and labels…' }]}
        onAction={() => setOpen('labels')}
      />
      {open === 'extend' ? <ExtendDialog lease={lease} onClose={close} /> : null}
      {open === 'pause' ? <PauseDialog lease={lease} onClose={close} /> : null}
      {open === 'stop' ? <StopDialog lease={lease} onClose={close} /> : null}
      {open === 'labels' ? <LabelsDialog lease={lease} onClose={close} /> : null}
    </>
  )
}
