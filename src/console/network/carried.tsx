import type { NetworkState } from '../../api/overview.ts'
import { Ago } from '../ui/duration.tsx'
import { Facts } from '../ui/facts.tsx'
import { Section } from '../ui/page.tsx'
import { Peer } from '../ui/peer.tsx'
import { versionsOf } from './peer-words.ts'

/** What gossip carries and to how many, what the DHT knows, what stands here of the market. */
export function Carried({ state }: { state: NetworkState }) {
  const { topics, dht, held, pulse, relays, servesRelay } = state
  const peers = (count: number): string => (count === 1 ? '1 peer' : `${count} peers`)
  return (
    <>
      <Section title="Gossip">
        <Facts
          items={topics
            .toSorted((a, b) => a.name.localeCompare(b.name))
            .map(({ name, subscribers, mesh }) => [
              name,
              <span key={name}>
                {peers(subscribers)} <span className="faint">{mesh} at once</span>
              </span>,
            ])}
        />
      </Section>
      <Section title="What it knows">
        <Facts
          items={[
            ['Offers', held.offers],
            ['Capability records', held.capabilities],
            ['Proofs of fraud', held.frauds],
            ['DHT', `${peers(dht.peers)} in its table, ${dhtWords[dht.mode]}`],
            [
              'Relays',
              relays.length === 0
                ? servesRelay
                  ? 'it is one'
                  : 'none needed'
                : relays.map((id) => <Peer key={id} id={id} what="the relay's peer id" />),
            ],
            [
              'Pulse',
              pulse === null ? undefined : (
                <span key="pulse">
                  round {pulse.round}, <Ago atMs={pulse.atMs} />
                </span>
              ),
            ],
            [
              'Versions of peers',
              versionsOf(state.peers)
                .map(([version, count]) => `${version} (${count})`)
                .join(', ') || undefined,
            ],
          ]}
        />
      </Section>
    </>
  )
}

const dhtWords = { server: 'it answers others', client: 'it asks only' } as const
