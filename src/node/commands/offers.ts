import type { Offer } from '../../api/offers.ts'
import { parseOrder } from '../../query/match.ts'
import { parseQuery } from '../../query/parse.ts'
import { type ControlClient, withQuery } from '../control/client.ts'
import { type Column, createOutput } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { Run } from './command.ts'

const digits = (value: unknown): string | undefined =>
  typeof value === 'number' ? String(Number(value.toPrecision(3))) : undefined
const fixed = (value: unknown, places: number): string | undefined =>
  typeof value === 'number' ? value.toFixed(places) : undefined

/** The `process` engine is for a devnet alone, and says so wherever it shows. */
const engineOf = (engine: unknown): string =>
  engine === 'process' ? 'process (no isolation, devnet only)' : String(engine)

const columns: readonly Column<Offer>[] = [
  { title: 'ID', value: ({ id }) => id.slice(0, 12) },
  { title: 'N', value: (row) => Number(row['num_gpus']), align: 'right' },
  { title: 'MODEL', value: ({ devices }) => modelOf(devices), shrinks: true },
  { title: 'VRAM', value: (row) => number(row['gpu_ram']), align: 'right' },
  { title: 'TOPS', value: (row) => digits(row['tops']), align: 'right' },
  { title: 'CORES', value: (row) => number(row['cpu_cores']), align: 'right' },
  { title: 'RAM', value: (row) => fixed(row['cpu_ram'], 0), align: 'right' },
  { title: 'DISK', value: (row) => fixed(row['disk_space'], 0), align: 'right' },
  { title: 'PER HOUR', value: (row) => `${row['dph']} ${row['asset']}`, align: 'right' },
  { title: 'SCORE', value: (row) => fixed(row['score'], 3), align: 'right' },
  { title: 'VERIFIED', value: (row) => (row['verified'] === true ? 'yes' : 'no') },
  { title: 'COUNTRY', value: (row) => text(row['geolocation']) },
  { title: 'ENGINE', value: (row) => engineOf(row['engine']), shrinks: true },
  { title: 'HOST', value: (row) => row.host_id, shrinks: true },
]

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const number = (value: unknown): number | undefined =>
  typeof value === 'number' ? value : undefined

const modelOf = (devices: Offer['devices']): string => {
  const first = devices[0]
  return first?.id.startsWith('cpu') === true ? `CPU ${first.name}` : (first?.name ?? '')
}

/** Lists standing offers that a query asks for; nothing matched is exit code 3. */
export const offers: Run = async (context) => {
  // A mistake is told before a node is started for it.
  parseQuery(context.args.join(' '))
  parseOrder(context.config.order ?? '')
  return withNode(context, async (client) => {
    const { args, config, terminal, signal } = context
    const path = withQuery('/v1/offers', { q: args.join(' '), order: config.order })
    const { items } = await client.get<{ items: Offer[] }>(path, signal)
    const none = args.length === 0 ? 'no offer stands' : 'no standing offer matches'
    const output = createOutput(terminal, config)
    output.list(items, { id: ({ id }) => id, none, columns })
    if (items.length > 0) return 0
    const taken = await takenOffers(client, args.join(' '), signal)
    if (taken > 0) {
      output.note(
        `${taken} let at the moment: rentable=false lists them, compute-node rent --wait waits for one`,
      )
    }
    return 3
  })
}

/** How many offers match that are let, where the query does not speak of that itself. */
async function takenOffers(
  client: ControlClient,
  query: string,
  signal: AbortSignal,
): Promise<number> {
  if (/\brentable\b/.test(query)) return 0
  const q = query.trim() === '' ? 'rentable=false' : `(${query}) and rentable=false`
  const path = withQuery('/v1/offers', { q })
  return (await client.get<{ items: Offer[] }>(path, signal)).items.length
}
