import type { VolumeRow, VolumesAnswer } from '../../api/volumes.ts'
import { NodeError } from '../../errors.ts'
import { MiB } from '../../units.ts'
import { type Column, createOutput } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { Run } from './command.ts'

const mib = (bytes: number): string => `${Math.ceil(bytes / MiB)} MiB`
const day = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

const columns: readonly Column<VolumeRow>[] = [
  { title: 'NAME', value: ({ name }) => name },
  { title: 'SIZE', value: ({ sizeMiB }) => `${sizeMiB} MiB`, align: 'right' },
  {
    title: 'USED',
    value: ({ usedBytes }) => (usedBytes === null ? null : mib(usedBytes)),
    align: 'right',
  },
  { title: 'HELD BY', value: ({ enforced }) => (enforced ? 'storage' : 'measuring') },
  { title: 'STATE', value: stateOf, shrinks: true },
  { title: 'MINER', value: ({ miner }) => miner, shrinks: true },
]

function stateOf({ removedAtMs, reason, leases, expiresAtMs }: VolumeRow): string {
  if (removedAtMs !== null) return `removed ${day(removedAtMs)}: ${reason}`
  if (leases.length > 0) return `in lease ${leases.map((id) => id.slice(0, 12)).join(', ')}`
  return expiresAtMs === null ? 'kept' : `kept until ${day(expiresAtMs)}`
}

/** Lists what miners keep for this data folder beyond its leases. */
export const volumes: Run = (context) =>
  withNode(context, async (client) => {
    const { args, config, terminal, signal } = context
    if (args[0] !== undefined && args[0] !== 'list') {
      throw new NodeError('BAD_CONFIG_USAGE', `volumes has no ${args[0]}: list or rm`, {
        next: 'compute-node volumes --help',
      })
    }
    const output = createOutput(terminal, config)
    const answer = await client.get<VolumesAnswer>('/v1/volumes', signal)
    if (config.json) output.value(answer, () => '')
    else output.list(answer.items, { columns, id: ({ name }) => name, none: 'no volumes' })
    for (const { miner, reason } of answer.silent) output.note(`${miner} does not say: ${reason}`)
    return 0
  })

/** Removes a volume with all that is in it, on the miner that is named or the only one that has it. */
export const volumesRm: Run = (context) =>
  withNode(context, async (client) => {
    const { args, config, terminal, signal } = context
    const [name, miner] = args as [string, string?]
    const path = `/v1/volumes/${encodeURIComponent(name)}/remove`
    const body = miner === undefined ? {} : { miner }
    const row = await client.post<VolumeRow>(path, body, signal)
    createOutput(terminal, config).value(row, () => `${name}: ${stateOf(row)}`, name)
    return 0
  })
