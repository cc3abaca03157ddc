/** One offer as `GET /v1/offers` answers it: the fields of the query language by their names, and what has none. */
export interface Offer {
  readonly id: string
  readonly recordId: string
  readonly host_id: string
  readonly expiresAtMs: number
  readonly seq: number
  readonly dph: string
  readonly asset: string
  readonly gpu_name?: string
  readonly num_gpus?: number
  readonly gpu_ram?: number
  readonly tops?: number
  readonly verified?: boolean
  readonly devices: readonly { readonly id: string; readonly name: string }[]
  readonly [field: string]: unknown
}

/** The model of its devices for a person; unlike ones are counted. */
export function modelOf({ devices }: Offer): string {
  const first = devices[0]
  if (first === undefined) return ''
  return first.id.startsWith('cpu') ? `CPU ${first.name}` : first.name
}
