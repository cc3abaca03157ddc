import type { NetworkState } from '../../api/overview.ts'
import type { NodeStatus } from '../../api/status.ts'
import { useAboutNode } from '../app/about-node.ts'
import { useNode } from '../app/node-data.tsx'
import { OpenTranscript } from '../recheck/open-transcript.tsx'
import { Copyable } from '../ui/copyable.tsx'
import { Page, Section } from '../ui/page.tsx'
import { Problem } from '../ui/problem.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { Carried } from './carried.tsx'
import { Bindings, ChainSection } from './chain.tsx'
import { Peers } from './peers.tsx'
import './network.css'

const EVENTS = ['peer-greeted', 'capability-seen', 'chain-read'] as const
const LIVE_MS = 5000

/** With whom this node is connected and how, what it carries, and where it stands with its chain. */
export function NetworkPage() {
  const { data, error, isPending, refetch } = useNode<NetworkState>('/v1/network', {
    events: EVENTS,
    everyMs: LIVE_MS,
  })
  const { data: about } = useAboutNode()
  const count = data?.peers.length
  return (
    <Page
      title="Network"
      aside={
        count === undefined ? null : (
          <>
            {count === 1 ? '1 peer' : `${count} peers`} of {about?.network ?? 'this network'}
          </>
        )
      }
    >
      {isPending ? <SkeletonRows rows={8} label="Loading the network" /> : null}
      {data === undefined && error !== null ? (
        <Problem error={error} onRetry={() => void refetch()} />
      ) : null}
      {data === undefined ? null : (
        <>
          <Peers peers={data.peers} />
          <div className="network-parts">
            <ChainSection chain={data.chain} />
            <Carried state={data} />
          </div>
          <Bindings />
          <Addresses />
        </>
      )}
      <OpenTranscript />
    </Page>
  )
}

/** Where others reach this node. */
function Addresses() {
  const { data } = useNode<NodeStatus>('/v1/status')
  if (data === undefined || data.addrs.length === 0) return null
  return (
    <Section title="Addresses of this node">
      <ul className="addresses">
        {data.addrs.map((addr) => (
          <li key={addr}>
            <Copyable text={addr} what="address" />
          </li>
        ))}
      </ul>
    </Section>
  )
}
