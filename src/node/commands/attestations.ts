import type { AttestationRow } from '../../api/scores.ts'
import { MiB } from '../../units.ts'
import { withQuery } from '../control/client.ts'
import { createOutput } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { Run } from './command.ts'

const mib = (bytes: number | null): number | null => (bytes === null ? null : bytes / MiB)
const short = (peerId: string): string => peerId.slice(-8)

/** Lists validators' verdicts, newest first, of one miner or validator when named; nothing known is exit code 3. */
export const attestations: Run = (context) =>
  withNode(context, async (client) => {
    const { args, config, terminal, signal } = context
    const path = withQuery('/v1/attestations', { peer: args[0] })
    const { items } = await client.get<{ items: AttestationRow[] }>(path, signal)
    createOutput(terminal, config).list(items, {
      id: ({ transcript }) => transcript ?? '-',
      none: 'no attestation is known yet',
      columns: [
        { title: 'SLOT', value: ({ slot }) => slot, align: 'right' },
        { title: 'MINER', value: ({ miner }) => short(miner) },
        { title: 'DEVICE', value: ({ gpu }) => gpu },
        { title: 'VALIDATOR', value: ({ validator }) => short(validator) },
        {
          title: 'VERDICT',
          value: ({ verdict, equivocated }) => (equivocated ? 'EQUIVOCATED' : verdict),
        },
        { title: 'PASSES', value: ({ passes }) => passes, align: 'right' },
        { title: 'MIB', value: ({ bytes }) => mib(bytes), align: 'right' },
        { title: 'STEPS', value: ({ steps }) => steps, align: 'right' },
        { title: 'N', value: ({ n }) => n, align: 'right' },
        { title: 'NS/HOP', value: ({ nsPerHop }) => nsPerHop, align: 'right' },
        { title: 'PROVE MS', value: ({ proveMs }) => proveMs, align: 'right' },
        { title: 'VERIFY MS', value: ({ verifyMs }) => verifyMs, align: 'right' },
        {
          title: 'TRANSCRIPT',
          value: ({ transcript }) => transcript?.slice(0, 12),
        },
      ],
    })
    return items.length === 0 ? 3 : 0
  })
