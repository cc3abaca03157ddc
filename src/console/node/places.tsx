import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Ago } from '../ui/duration.tsx'
import { durationText } from '../ui/format.ts'
import { Peer } from '../ui/peer.tsx'
import { type Column, Table } from '../ui/table.tsx'
import type { Place } from './answers.ts'

interface PlacesProps {
  readonly label: string
  readonly places: readonly Place[]
  readonly onLeave: (place: Place) => void
}

const positionOf = ({ position, waiting }: Place): string => {
  if (position === null) return 'asking'
  return position === 0 ? 'its turn' : `${position} of ${waiting ?? '?'}`
}

const etaOf = ({ etaMs }: Place): string =>
  etaMs === null ? 'nobody can tell' : durationText(etaMs)

/** Places in queues, the next turn first. */
export function Places({ label, places, onLeave }: PlacesProps) {
  const columns: readonly Column<Place>[] = [
    { key: 'position', title: 'Place', width: '90px', cell: positionOf },
    {
      key: 'peer',
      title: 'Peer',
      width: '150px',
      cell: ({ peer }) => <Peer id={peer} what="the peer id" />,
    },
    {
      key: 'wants',
      title: 'Wants',
      width: 'minmax(130px, 1fr)',
      cell: ({ devices, durationMs }) =>
        devices === null
          ? '–'
          : `${devices === 1 ? '1 device' : `${devices} devices`} for ${durationText(durationMs ?? 0)}`,
    },
    {
      key: 'present',
      title: 'Renter',
      width: '90px',
      yields: 1,
      cell: ({ present }) =>
        present === null ? '–' : present ? <Badge tone="good">there</Badge> : <Badge>away</Badge>,
    },
    {
      key: 'since',
      title: 'Since',
      width: '110px',
      yields: 2,
      cell: ({ sinceMs }) => <Ago atMs={sinceMs} />,
    },
    { key: 'eta', title: 'Turn in', width: '110px', align: 'right', cell: etaOf },
    {
      key: 'leave',
      title: '',
      width: '80px',
      align: 'right',
      cell: (place) => <Leave place={place} onLeave={onLeave} />,
    },
  ]
  return (
    <div className="node-table">
      <Table
        label={label}
        columns={columns}
        rows={places}
        rowKey={({ ticket }) => ticket}
        narrow={(place) => (
          <span className="node-narrow">
            <span>
              {positionOf(place)} <Leave place={place} onLeave={onLeave} />
            </span>
            <span className="soft">turn in: {etaOf(place)}</span>
          </span>
        )}
      />
    </div>
  )
}

const Leave = ({ place, onLeave }: { place: Place; onLeave: (place: Place) => void }) => (
  <Button
    kind="quiet"
    label={`Give up place ${place.ticket.slice(0, 8)}`}
    onPress={() => onLeave(place)}
  >
    Give up
  </Button>
)
