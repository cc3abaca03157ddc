import { useNode } from '../app/node-data.tsx'
import { Section } from '../ui/page.tsx'
import type { Place } from './answers.ts'
import { useLeave } from './hosting.tsx'
import { Places } from './places.tsx'
import { SpendingSection } from './spending.tsx'

/** What renting costs today and may cost, and where this node waits. */
export function RenterSections() {
  const { data: queue } = useNode<{ readonly items: readonly Place[] }>('/v1/queue', {
    events: ['queue-place', 'queue-turn', 'queue-joined', 'queue-left'],
    everyMs: 5000,
  })
  const leave = useLeave()
  const there = (queue?.items ?? []).filter(({ where }) => where === 'there')
  return (
    <>
      <SpendingSection />
      {there.length === 0 ? null : (
        <Section title="Where this node waits">
          <Places label="Where this node waits" places={there} onLeave={leave.mutate} />
        </Section>
      )}
    </>
  )
}
