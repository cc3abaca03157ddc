import type { NodeStatus } from '../../api/status.ts'
import { createOutput } from '../output.ts'
import { withRunningNode } from '../with-node.ts'
import type { Run } from './command.ts'
import { describeDrain } from './drain.ts'

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
    ...(node.chain === null ? [] : [`  chain      ${node.chain}`]),
    ...spendingLines(node.spending),
    ...(node.engines ?? []).map(engineLine),
    ...(node.drain?.draining === true ? [`  draining   ${describeDrain(node.drain)}`] : []),
    ...(node.hosted ?? []).map(hostedLine),
    `  folder     ${node.dataDir}`,
    `  version    ${node.version}`,
    ...node.lacking.map(
      ({ check, actual, remedy }) => `  lacking    ${check}: ${actual}; ${remedy}`,
    ),
  ].join('\n')

const spendingLines = ({ items }: NodeStatus['spending']): string[] =>
  items.map(({ asset, spent, committed, cap, left }) => {
    const bound = cap === null ? 'no cap per day' : `${left} of ${cap} a day left`
    return `  spending   ${spent} ${asset} today, at most ${committed} with what runs; ${bound}`
  })

const engineLine = (row: NonNullable<NodeStatus['engines']>[number]): string => {
  const version = row.version === null ? [] : [`Docker ${row.version}`]
  const runtimes = row.runtimes.length === 0 ? [] : [`runtimes ${row.runtimes.join(' ')}`]
  const devices = row.gpus.length === 0 ? 'no devices' : row.gpus.join(' ')
  const unproven = row.proven ? [] : ['not proven']
  const facts = [...version, ...runtimes, devices, ...unproven].join(', ')
  const why = row.reason === null ? '' : `: ${row.reason}`
  return `  engine     ${row.name} at ${row.url} (${facts}) ${row.state}${why}`
}

const hostedLine = (row: NonNullable<NodeStatus['hosted']>[number]): string => {
  const money = `owed ${row.owed} ${row.asset}, ${row.acknowledged} countersigned`
  const told = row.notice ?? row.reason
  return `  hosts      ${row.id.slice(0, 12)} ${row.state} ${money}${told === null ? '' : `: ${told}`}`
}

const pulseText = ({ round, clock }: NonNullable<NodeStatus['pulse']>): string =>
  `round ${round}${clock === null ? '' : `; this machine's clock is ${clock}`}`
