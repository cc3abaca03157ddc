import type { NodeStatus } from '../control/routes/status.ts'
import { createOutput } from '../output.ts'
import { withRunningNode } from '../with-node.ts'
import type { Run } from './command.ts'

/** Shows what the node of this data folder is doing. */
export const status: Run = (context) =>
  withRunningNode(context, async (client) => {
    const node = await client.get<NodeStatus>('/v1/status', context.signal)
    const { terminal, config } = context
    createOutput(terminal, config).value(node, () => describe(node), node.peerId)
    return 0
  })

const describe = (node: NodeStatus): string =>
  [
    `${node.roles.join(', ')} ${node.peerId}`,
    `  market     ${node.network}`,
    ...node.addrs.map((addr) => `  listens on ${addr}`),
    `  peers      ${node.peers}`,
    `  running    since ${new Date(node.startedAtMs).toISOString()}, process ${node.pid}`,
    ...(node.pulse === null ? [] : [`  pulse      ${pulseText(node.pulse)}`]),
    `  folder     ${node.dataDir}`,
    `  version    ${node.version}`,
    ...node.lacking.map(
      ({ check, actual, remedy }) => `  lacking    ${check}: ${actual}; ${remedy}`,
    ),
  ].join('\n')

const pulseText = ({ round, clock }: NonNullable<NodeStatus['pulse']>): string =>
  `round ${round}${clock === null ? '' : `; this machine's clock is ${clock}`}`
