import type { Offer as ApiOffer } from '../../api/offers.ts'

/** An offer as `GET /v1/offers` answers it, with the fields of the query language that the page reads by name. */
export type Offer = ApiOffer & {
  readonly dph: string
  readonly asset: string
  readonly gpu_name?: string
  readonly num_gpus?: number
  readonly gpu_ram?: number
  readonly gpu_mem_bw?: number
  readonly tops?: number
  readonly geolocation?: string
  readonly score?: number
  readonly verified?: boolean
  readonly rentable?: boolean
}

/** What kind of device it is, as its driver calls it; `CPU` and the processor's name where there is no GPU. */
export function modelOf({ devices }: Pick<Offer, 'devices'>): string {
  const first = devices[0]
  if (first === undefined) return ''
  return first.id.startsWith('cpu') ? `CPU ${first.name}` : first.name
}

const MAKERS = /\b(NVIDIA|AMD|Intel|GeForce|Tesla|Quadro|Radeon|Instinct|Graphics|Corporation)\b/gi
const SIZES = /[-\s]\d+\s?GB\b|\bHBM\d\w*\b|[-\s]SXM\d?\b|[-\s]PCIE\b|\(.*?\)/gi

/** The word that people know a model by: `NVIDIA H100 80GB HBM3` is `H100`, a processor is `CPU`. */
export function shortModel(offer: Pick<Offer, 'devices'>): string {
  const model = modelOf(offer)
  if (model.startsWith('CPU ')) return 'CPU'
  const words = model.replace(MAKERS, ' ').replace(SIZES, ' ').trim().replace(/\s+/g, ' ')
  return words === '' ? model : words
}

/** How much measured throughput a unit of money buys for an hour; undefined where nothing was measured. */
export function topsPerPrice({ tops, dph }: Pick<Offer, 'tops' | 'dph'>): number | undefined {
  const price = Number(dph)
  return tops === undefined || !(price > 0) ? undefined : tops / price
}
