import { Hourglass, LoaderCircle } from 'lucide-react'
import type { Offer } from '../../api/offers.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Ago } from '../ui/duration.tsx'
import { Facts } from '../ui/facts.tsx'
import { faultOf } from '../ui/fault.ts'
import { bytesText, durationText } from '../ui/format.ts'
import { Money } from '../ui/money.tsx'
import { Peer } from '../ui/peer.tsx'
import { costAt, deviceNames, numberOf } from './offer-facts.ts'
import type { Order } from './use-order.ts'
import { hoursMs, type Wish } from './wish.ts'

const GIB = 1024 ** 3

interface SummaryProps {
  readonly offer: Offer
  readonly wish: Wish
  readonly order: Order
  readonly isTaken: boolean
  readonly isGone: boolean
}

/** What is rented and what it costs, before it is agreed; then how far the order is, or why it was refused. */
export function RentSummary({ offer, wish, order, isTaken, isGone }: SummaryProps) {
  const cost = costAt(offer, wish)
  const ms = hoursMs(wish.hours)
  const isAsking = order.state.kind === 'asking'
  return (
    <aside className="rent-summary" aria-label="What you rent">
      <h2>{deviceNames(offer)}</h2>
      <p className="rent-badges">
        {offer['verified'] === true ? (
          <Badge tone="good">verified</Badge>
        ) : (
          <Badge>not proven</Badge>
        )}
        {offer['fenced'] === true ? <Badge>fenced</Badge> : null}
        {isTaken ? <Badge tone="warn">let now</Badge> : null}
      </p>
      <Facts
        items={[
          ['Miner', <Peer key="m" id={offer.host_id} what="miner" />],
          ['Processor', coresText(offer)],
          ['Memory', gibText(offer, 'cpu_ram')],
          ['Disk', gibText(offer, 'disk_space')],
          ['Isolation', typeof offer['runtime'] === 'string' ? offer['runtime'] : undefined],
        ]}
      />
      {cost === undefined ? null : (
        <dl className="rent-cost">
          <div>
            <dt>Per hour</dt>
            <dd>
              <Money amount={cost.perHour} asset={cost.asset} />
            </dd>
          </div>
          <div>
            <dt>For {ms > 0 ? durationText(ms) : '–'}, at most</dt>
            <dd>
              <Money amount={cost.deposit} asset={cost.asset} />
            </dd>
          </div>
          <div className="rent-total">
            <dt>Deposit now</dt>
            <dd>
              <Money amount={cost.deposit} asset={cost.asset} />
            </dd>
          </div>
        </dl>
      )}
      <p className="faint rent-note">
        You pay for the seconds it runs. Stop it earlier, and the rest of the deposit comes back.
      </p>
      {isAsking ? <Asking order={order} /> : null}
      {order.state.kind === 'refused' ? <Refused {...order.state.error} /> : null}
      {isGone && !isAsking ? (
        <p className="rent-gone" role="status">
          This offer was taken back or has just been renewed; asking for it will tell.
        </p>
      ) : null}
      {isAsking ? null : (
        <Button type="submit" kind="primary" isDisabled={cost === undefined}>
          {isTaken ? 'Wait for it' : 'Rent'}
        </Button>
      )}
    </aside>
  )
}

/** An order on its way, and its place where it waits. */
function Asking({ order }: { order: Order }) {
  const { state, place, passed } = order
  if (state.kind !== 'asking') return null
  return (
    <div className="rent-order" role="status">
      {place === undefined ? (
        <p className="rent-doing">
          <LoaderCircle aria-hidden="true" />
          Agreeing with the miner…
        </p>
      ) : (
        <>
          <p className="rent-doing">
            <Hourglass aria-hidden="true" />
            {place.position === 0
              ? 'It is your turn'
              : `Place ${place.position} of ${place.waiting} in its queue`}
          </p>
          {place.position === 0 ? null : (
            <p className="soft">
              {place.etaMs === null
                ? 'Nobody can tell when its turn comes.'
                : `Its turn comes in about ${durationText(place.etaMs)}.`}{' '}
              Asked <Ago atMs={state.sinceMs} />. Stay on this page: who leaves gives the place up.
            </p>
          )}
        </>
      )}
      {passed.map((reason) => (
        <p className="soft" key={reason}>
          Passed: {reason}
        </p>
      ))}
      <Button onPress={order.cancel}>Cancel</Button>
    </div>
  )
}

/** Why nothing came of it, and what to do. */
function Refused({
  code,
  message,
  next,
}: {
  code: string
  message: string
  next?: string | undefined
}) {
  return (
    <div className="rent-refused" role="alert">
      <strong>{message}</strong>
      <p>
        {faultOf(code)} <code>{code}</code>
      </p>
      {next === undefined ? null : <p>Next: {next}</p>}
    </div>
  )
}

const coresText = (offer: Offer): string | undefined => {
  const cores = numberOf(offer, 'cpu_cores')
  return cores === undefined ? undefined : `${cores} ${cores === 1 ? 'core' : 'cores'}`
}

const gibText = (offer: Offer, field: string): string | undefined => {
  const gib = numberOf(offer, field)
  return gib === undefined ? undefined : bytesText(gib * GIB)
}
