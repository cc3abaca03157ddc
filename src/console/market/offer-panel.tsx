import { X } from 'lucide-react'
import { type ReactNode, type RefObject, useEffect, useRef } from 'react'
import { Button, LinkButton } from '../ui/button.tsx'
import { Copyable } from '../ui/copyable.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Ago } from '../ui/duration.tsx'
import { Facts } from '../ui/facts.tsx'
import { durationText, figureText } from '../ui/format.ts'
import { Money } from '../ui/money.tsx'
import { Peer } from '../ui/peer.tsx'
import { useWidth } from '../ui/use-width.ts'
import { Model, Proof } from './columns.tsx'
import { Evidence } from './evidence.tsx'
import { modelOf, type Offer } from './offer.ts'
import './offer-panel.css'

export interface OfferPanelProps {
  /** Undefined when it stands no more, or never did. */
  readonly offer: Offer | undefined
  readonly onClose: () => void
  /** What the panel stands beside; where that is too narrow it stands over it. */
  readonly beside: RefObject<HTMLElement | null>
}

const BESIDE_PX = 980
const HOUR_MS = 3_600_000

/** All there is to know of an offer: what it is, what was measured and by whom, on which terms, and the way to rent it. */
export function OfferPanel({ offer, onClose, beside }: OfferPanelProps) {
  const isWide = useWidth(beside) >= BESIDE_PX
  const title = offer === undefined ? 'Offer' : modelOf(offer)
  if (!isWide) {
    return (
      <Dialog title={title} isOpen onClose={onClose} place="side">
        <Content offer={offer} />
      </Dialog>
    )
  }
  return (
    <aside className="offer-panel" aria-label={`Offer: ${title}`}>
      <header>
        <h2>{title}</h2>
        <Button
          kind="quiet"
          icon={<X aria-hidden="true" />}
          label="Close the offer"
          onPress={onClose}
        />
      </header>
      <div className="offer-panel-body">
        <Content offer={offer} />
      </div>
      <EscapeCloses onClose={onClose} />
    </aside>
  )
}

/** Escape closes the panel wherever the focus is, unless something over the page takes it first. */
function EscapeCloses({ onClose }: { onClose: () => void }) {
  const close = useRef(onClose)
  close.current = onClose
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isOurs =
        !event.defaultPrevented && document.querySelector('.dialog-veil, .popover') === null
      if (event.key === 'Escape' && isOurs && !(event.target instanceof HTMLInputElement)) {
        close.current()
      }
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])
  return null
}

function Content({ offer }: { offer: Offer | undefined }) {
  if (offer === undefined) {
    return (
      <p className="soft">
        This offer stands no more: its miner withdrew it, or it ran out. Others are in the list.
      </p>
    )
  }
  return (
    <>
      <div className="offer-lead">
        <div className="offer-price">
          <Money amount={offer.dph} asset={offer.asset} per="/h" />
        </div>
        <span className="offer-tags">
          <Proof offer={offer} />
        </span>
      </div>
      {offer.rentable === false ? (
        <p className="soft">
          All of it is let at the moment. <code>compute-node rent --wait</code> takes a place in its
          queue.
        </p>
      ) : (
        <LinkButton to={`/rent/${offer.id}`} kind="primary">
          Rent
        </LinkButton>
      )}
      <Facts items={machineFacts(offer)} />
      <Evidence offer={offer} />
      <h3>Terms</h3>
      <Facts items={termFacts(offer)} />
    </>
  )
}

type Items = Parameters<typeof Facts>[0]['items']

const known = (value: unknown, show: (value: never) => ReactNode): ReactNode =>
  value === undefined ? undefined : show(value as never)

const gib = (value: number): string => `${figureText(value)} GiB`

function machineFacts(offer: Offer): Items {
  const { num_gpus = 0, gpu_ram, devices } = offer
  const names = [...new Set(devices.map(({ name }) => name))]
  return [
    [
      'Devices',
      num_gpus > 0 ? `${num_gpus} × ${names.join(', ')}` : <Model key="model" offer={offer} />,
    ],
    ['Memory each', known(gpu_ram, gib)],
    ['Driver', known(offer['driver_version'], String)],
    ['Compute capability', known(offer['compute_cap'], String)],
    ['Processor', `${offer['cpu_cores'] ?? '–'} × ${offer['cpu_name'] ?? ''}`],
    ['Main memory', known(offer['cpu_ram'], gib)],
    ['Disk', known(offer['disk_space'], gib)],
    [
      'Network',
      known(
        offer['inet_down'],
        (down: number) =>
          `${figureText(down)} Mbit/s down, ${known(offer['inet_up'], figureText) ?? '?'} up`,
      ),
    ],
    ['Region', known(offer.geolocation, (country: string) => `${country}, as its miner says`)],
    ['Miner', <Peer key="miner" id={offer.host_id} what="the miner's peer id" />],
  ]
}

function termFacts(offer: Offer): Items {
  const hours = (value: number): string => durationText(value * HOUR_MS)
  const isolation = [
    offer['runtime'],
    offer['fenced'] === true ? 'fenced' : offer['fenced'] === false ? 'not fenced' : undefined,
    offer['disk_quota'] === true ? 'disk held by the storage' : undefined,
  ].filter((one) => one !== undefined)
  return [
    [
      'Lease',
      `${known(offer['min_duration'], hours) ?? '?'} to ${known(offer['duration'], hours) ?? '?'}`,
    ],
    [
      'Without proofs',
      known(offer['exclusive_dph'], (price: string) => (
        <Money amount={price} asset={offer.asset} per="/h" />
      )),
    ],
    [
      'Runs in',
      offer['engine'] === 'process'
        ? 'plain processes: no isolation, devnet only'
        : `${offer['engine'] ?? 'a container'}${isolation.length === 0 ? '' : ` (${isolation.join(', ')})`}`,
    ],
    ['Stands until', <Ago key="until" atMs={offer.expiresAtMs} />],
    ['Offer', <Copyable key="id" text={offer.id} shown={offer.id.slice(0, 12)} what="offer id" />],
    [
      'On a terminal',
      <Copyable key="cli" text={`compute-node rent ${offer.id.slice(0, 12)}`} what="command" />,
    ],
  ]
}
