import type { LabelsBody } from '../../api/leases.ts'
import { NodeError } from '../../errors.ts'
import type { LeaseView } from '../leases/lease-view.ts'
import { createOutput } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { Run } from './command.ts'
import { labelsText } from './lease-output.ts'
import { leasePath } from './lease-path.ts'

/** Changes what this node calls a lease by: `K=V` sets, `K-` removes. */
export const label: Run = (context) =>
  withNode(context, async (client) => {
    const { args, config, terminal, signal } = context
    const [lease, ...changes] = args
    const body = labelling(changes)
    const view = await client.post<LeaseView>(leasePath(lease!, '/labels'), body, signal)
    createOutput(terminal, config).value(view, () => labelsText(view) ?? 'no labels', view.id)
    return 0
  })

/** @throws BAD_CONFIG_USAGE */
export function labelling(changes: readonly string[]): LabelsBody {
  const set: Record<string, string> = {}
  const remove: string[] = []
  for (const change of changes) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(change) ?? []
    if (name !== undefined && value !== undefined) set[name] = value
    else if (/^.+-$/.test(change)) remove.push(change.slice(0, -1))
    else {
      throw new NodeError('BAD_CONFIG_USAGE', `"${change}" is neither NAME=VALUE nor NAME-`, {
        next: 'compute-node label LEASE team=vision old-',
      })
    }
  }
  return { set, remove }
}
