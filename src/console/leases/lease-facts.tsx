import type { Lease } from '../../api/leases.ts'
import { Bytes } from '../ui/bytes.tsx'
import { Copyable } from '../ui/copyable.tsx'
import { Duration } from '../ui/duration.tsx'
import { Facts } from '../ui/facts.tsx'
import { durationText, momentText } from '../ui/format.ts'
import { Money } from '../ui/money.tsx'
import { Peer } from '../ui/peer.tsx'

const MIB = 1024 * 1024

/** Everything that was agreed, and what holds the container. */
export function LeaseFacts({ lease }: { lease: Lease }) {
  const { asset, isolation } = lease
  return (
    <div className="lease-pad lease-columns">
      <Facts
        items={[
          [
            'Lease',
            <Copyable key="id" text={lease.id} shown={lease.id.slice(0, 16)} what="lease id" />,
          ],
          ['State', `${lease.state.toLowerCase()}, health ${lease.health}`],
          ['Image', <code key="image">{lease.image}</code>],
          [
            'Command',
            lease.command === null ? (
              'the image idles for shells'
            ) : (
              <code key="c">{lease.command.join(' ')}</code>
            ),
          ],
          ['Devices', lease.devices.join(', ')],
          ['Memory', <Bytes key="m" bytes={lease.memoryMiB * MIB} />],
          ['Processor cores', lease.cpus],
          [
            'Disk',
            lease.diskMiB === null ? (
              'no limit agreed'
            ) : (
              <Bytes key="d" bytes={lease.diskMiB * MIB} />
            ),
          ],
          [
            'Volumes',
            lease.volumes.length === 0
              ? 'none'
              : lease.volumes
                  .map(
                    ({ name, path, readOnly }) =>
                      `${name} at ${path}${readOnly ? ', read-only' : ''}`,
                  )
                  .join('; '),
          ],
          ['Ports', lease.ports.length === 0 ? undefined : lease.ports.join(', ')],
          ['Labels', labelsText(lease)],
        ]}
      />
      <Facts
        items={[
          ['Miner', <Peer key="miner" id={lease.miner} what="miner" />],
          ['Engine', lease.engine ?? undefined],
          ['Held by', isolation === null ? undefined : isolationText(isolation)],
          ['Price', <Money key="p" amount={lease.dph} asset={asset} per="/h" />],
          ['Deposit', <Money key="cap" amount={lease.cap} asset={asset} />],
          ['Paid over', lease.rail],
          ['Agreed for', <Duration key="t" ms={lease.durationMs} />],
          ['Extended', lease.extensions === 0 ? undefined : `${lease.extensions} times`],
          ['Started', lease.startedAtMs === null ? 'not yet' : momentText(lease.startedAtMs)],
          [
            'Ends',
            lease.over || lease.expiresAtMs === null ? undefined : momentText(lease.expiresAtMs),
          ],
          ['Proofs', proofsText(lease)],
          ['While you are away', creditText(lease)],
        ]}
      />
    </div>
  )
}

const labelsText = ({ labels }: Lease): string | undefined => {
  const all = Object.entries(labels).map(([name, value]) => `${name}=${value}`)
  return all.length === 0 ? undefined : all.join(', ')
}

function isolationText({
  runtime,
  fenced,
  diskQuota,
  remote,
}: NonNullable<Lease['isolation']>): string {
  return [
    runtime === 'none' ? 'no container' : runtime,
    fenced ? 'fenced off from the host’s networks' : 'NOT fenced off from the host’s networks',
    diskQuota ? 'disk held by a quota' : 'disk measured, not held by a quota',
    ...(remote === true ? ['on another machine than its miner: not proven'] : []),
  ].join(', ')
}

function proofsText({ exclusive, proofShare }: Lease): string | undefined {
  if (exclusive) return 'none while it runs'
  if (proofShare === null) return undefined
  return `take at most ${Number((100 * proofShare).toPrecision(3))} % of the devices’ time`
}

function creditText({ creditMs, graceMs, prepaidMs }: Lease): string | undefined {
  if (creditMs === null) return undefined
  const away = durationText(creditMs + (prepaidMs ?? 0))
  return `paused after ${away} without a countersignature, closed ${durationText(graceMs ?? 0)} later`
}
