import { FIELDS } from '../../query/fields.ts'
import { Badge } from '../ui/badge.tsx'
import { figureText, shortPeer } from '../ui/format.ts'
import { Money } from '../ui/money.tsx'
import type { Column } from '../ui/table.tsx'
import { VALUE_KEY } from './filter-offers.ts'
import { modelOf, type Offer, topsPerPrice } from './offer.ts'

const meanings = new Map(FIELDS.map(({ name, meaning, unit }) => [name, { meaning, unit }]))

/** A column of a field: what it means and its unit come from the query language. */
function field(
  key: string,
  title: string,
  width: string,
  cell: Column<Offer>['cell'],
  align: 'left' | 'right' = 'left',
): Column<Offer> {
  const { meaning = '', unit } = meanings.get(key) ?? {}
  const hint = unit === undefined ? meaning : `${meaning}, in ${unit}`
  return { key, title, width, cell, align, hint, isSortable: true }
}

/** A column of figures; a dash where the figure is not known. */
const figure = (key: string, title: string, width: string): Column<Offer> =>
  field(key, title, width, (offer) => figureOrDash(offer[key]), 'right')

const text = (key: string, title: string, width: string): Column<Offer> =>
  field(key, title, width, (offer) => orDash(offer[key]))

const yes = (key: string, title: string, width: string): Column<Offer> =>
  field(key, title, width, (offer) => (offer[key] === undefined ? dash : offer[key] ? 'yes' : 'no'))

const dash = <span className="faint">–</span>
const orDash = (value: unknown) => (value === undefined ? dash : String(value))
const figureOrDash = (value: unknown) => (typeof value === 'number' ? figureText(value) : dash)

/** Those that give way where there is no room, the last one first; what was chosen beside the usual ones stays. */
const YIELDING = ['score', VALUE_KEY, 'gpu_mem_bw', 'geolocation', 'host_id']

const withYields = (column: Column<Offer>): Column<Offer> =>
  YIELDING.includes(column.key) ? { ...column, yields: YIELDING.indexOf(column.key) } : column

const allColumns: readonly Column<Offer>[] = [
  field('gpu_name', 'Model', 'minmax(170px, 2.2fr)', (offer) => <Model offer={offer} />),
  field('num_gpus', 'GPUs', '52px', ({ num_gpus = 0 }) => num_gpus || dash, 'right'),
  figure('gpu_ram', 'VRAM', '64px'),
  figure('gpu_total_ram', 'VRAM in all', '84px'),
  figure('tops', 'TOPS', '72px'),
  figure('gpu_mem_bw', 'GB/s', '72px'),
  figure('cpu_cores', 'Cores', '60px'),
  figure('cpu_ram', 'RAM', '64px'),
  figure('disk_space', 'Disk', '64px'),
  figure('inet_down', 'Down', '64px'),
  figure('inet_up', 'Up', '64px'),
  field(
    'dph',
    'Price',
    '118px',
    ({ dph, asset }) => <Money amount={dph} asset={asset} per="/h" />,
    'right',
  ),
  field(
    'exclusive_dph',
    'Exclusive',
    '118px',
    (offer) =>
      typeof offer['exclusive_dph'] === 'string' ? (
        <Money amount={offer['exclusive_dph']} asset={offer.asset} per="/h" />
      ) : (
        dash
      ),
    'right',
  ),
  {
    key: VALUE_KEY,
    title: 'TOPS per price',
    width: '108px',
    align: 'right',
    isSortable: true,
    hint: 'measured integer throughput that one unit of the asset buys for an hour',
    cell: (offer) => figureOrDash(topsPerPrice(offer)),
  },
  field(
    'score',
    'Score',
    '72px',
    ({ score }) => (score === undefined ? dash : score.toFixed(3)),
    'right',
  ),
  field(
    'reliability',
    'Reliable',
    '72px',
    ({ reliability }) =>
      typeof reliability === 'number' ? `${(reliability * 100).toFixed(1)} %` : dash,
    'right',
  ),
  field('verified', 'Proof', '88px', (offer) => <Proof offer={offer} />),
  text('geolocation', 'Region', '60px'),
  figure('duration', 'Longest', '72px'),
  text('engine', 'Engine', '80px'),
  text('runtime', 'Runtime', '90px'),
  yes('fenced', 'Fenced', '68px'),
  yes('disk_quota', 'Quota', '68px'),
  field('host_id', 'Miner', '128px', ({ host_id }) => (
    <span className="mono soft" title={host_id}>
      {shortPeer(host_id)}
    </span>
  )),
]

/** Every column that can be shown, in their order. */
export const columns: readonly Column<Offer>[] = allColumns.map(withYields)

export const USUAL_COLUMNS: readonly string[] = [
  'gpu_name',
  'num_gpus',
  'gpu_ram',
  'tops',
  'gpu_mem_bw',
  'dph',
  VALUE_KEY,
  'score',
  'verified',
  'geolocation',
  'host_id',
]

/** The model, and whether all is let. */
export function Model({ offer }: { offer: Offer }) {
  return (
    <span className="offer-model">
      <span className="offer-name">{modelOf(offer)}</span>
      {offer.rentable === false ? <Badge tone="warn">let</Badge> : null}
      {offer['engine'] === 'process' ? <Badge tone="warn">no isolation</Badge> : null}
    </span>
  )
}

/** Whether a recent proof of its devices was found valid. */
export const Proof = ({ offer }: { offer: Offer }) =>
  offer.verified === true ? (
    <Badge tone="good">verified</Badge>
  ) : (
    <Badge>{offer['remote'] === true ? 'remote' : 'unproven'}</Badge>
  )

/** An offer on a phone: what it is and costs, then what decides. */
export function NarrowOffer({ offer }: { offer: Offer }) {
  const { num_gpus = 0, gpu_ram, tops, geolocation } = offer
  const facts = [
    num_gpus > 1 ? `${num_gpus} ×` : undefined,
    gpu_ram === undefined ? undefined : `${figureText(gpu_ram)} GiB`,
    tops === undefined ? undefined : `${figureText(tops)} TOPS`,
    geolocation,
  ].filter((one) => one !== undefined)
  return (
    <div className="narrow-offer">
      <Model offer={offer} />
      <Money amount={offer.dph} asset={offer.asset} per="/h" />
      <span className="soft num">{facts.join(' · ')}</span>
      <Proof offer={offer} />
    </div>
  )
}
