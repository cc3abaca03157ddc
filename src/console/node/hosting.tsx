import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { NodeStatus } from '../../api/status.ts'
import { post, toldOf } from '../app/api.ts'
import { useNode } from '../app/node-data.tsx'
import { Button } from '../ui/button.tsx'
import { Ago } from '../ui/duration.tsx'
import { Section } from '../ui/page.tsx'
import { useToast } from '../ui/toast.tsx'
import type { Place } from './answers.ts'
import { Hosted } from './hosted.tsx'
import { Places } from './places.tsx'
import { useChange, useMayOperate } from './use-change.ts'

const QUEUE = '/v1/queue'
const QUEUE_EVENTS = ['queue-joined', 'queue-left', 'queue-turn', 'queue-place'] as const

/** What runs at this miner, who waits for it, and whether it takes more. */
export function HostingSection({ status }: { status: NodeStatus }) {
  const { data: queue } = useNode<{ readonly items: readonly Place[] }>(QUEUE, {
    events: QUEUE_EVENTS,
    everyMs: 5000,
  })
  const leave = useLeave()
  const here = (queue?.items ?? []).filter(({ where }) => where === 'here')
  return (
    <>
      <Section title="Leases here" actions={<DrainButton status={status} />}>
        <Drain status={status} />
        <Hosted leases={status.hosted ?? []} />
      </Section>
      {here.length === 0 ? null : (
        <Section title="Who waits">
          <Places label="Who waits here" places={here} onLeave={leave.mutate} />
        </Section>
      )}
    </>
  )
}

const DRAIN = '/v1/drain'

function useDrain() {
  const client = useQueryClient()
  const { change, isPending } = useChange<NodeStatus['drain']>(DRAIN, 'Done')
  return {
    isPending,
    async set(draining: boolean): Promise<void> {
      await change({ draining })
      await client.invalidateQueries({ queryKey: ['/v1/status'] })
    },
  }
}

function DrainButton({ status: { drain } }: { status: NodeStatus }) {
  const { set, isPending } = useDrain()
  if (!useMayOperate() || drain === null || drain.draining) return null
  return (
    <Button isDisabled={isPending} onPress={() => void set(true)}>
      Run empty
    </Button>
  )
}

/** That no new leases are taken, how far it is, and the way back. */
function Drain({ status: { drain } }: { status: NodeStatus }) {
  const { set, isPending } = useDrain()
  const mayOperate = useMayOperate()
  if (drain === null || !drain.draining) return null
  const left =
    drain.leases === 0
      ? 'None is left: it may be stopped.'
      : `${drain.leases === 1 ? '1 lease runs' : `${drain.leases} leases run`} on to the agreed end.`
  return (
    <div className="node-banner" role="status">
      <div>
        <strong>This miner runs empty</strong>
        <p>
          It takes no new leases. {left}{' '}
          {drain.endsAtMs === null ? null : (
            <>
              The last ends <Ago atMs={drain.endsAtMs} />.
            </>
          )}
        </p>
      </div>
      {mayOperate ? (
        <Button kind="primary" isDisabled={isPending} onPress={() => void set(false)}>
          Take leases again
        </Button>
      ) : null}
    </div>
  )
}

/** Gives a place in a queue up, on either side. */
export function useLeave() {
  const client = useQueryClient()
  const tell = useToast()
  return useMutation({
    mutationFn: ({ ticket }: Place) => post(`${QUEUE}/${ticket}/leave`),
    onSuccess: () => tell({ tone: 'good', title: 'The place is given up' }),
    onError(error) {
      const { message, next } = toldOf(error)
      tell({ tone: 'bad', title: message, detail: next })
    },
    onSettled: () => void client.invalidateQueries({ queryKey: [QUEUE] }),
  })
}
