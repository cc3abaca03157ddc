import { sleep } from '../../clock.ts'
import { NodeError } from '../../errors.ts'
import { secondsMs } from '../../units.ts'
import type { ControlClient } from '../control/client.ts'
import type { DrainState } from '../leases/drain.ts'
import { createOutput } from '../output.ts'
import { withRunningNode } from '../with-node.ts'
import type { CommandContext, Run } from './command.ts'
import { counted } from './counted.ts'

const PATH = '/v1/drain'
const LOOK_MS = secondsMs(1)

/** Lets the running miner run empty: no new leases, those that run end as agreed; `--undo` takes it back. */
export const drain: Run = async (context) => {
  const { config, terminal, signal } = context
  if (config.undo && config.wait !== undefined) throw contradiction()
  return withRunningNode(context, async (client) => {
    const draining = !config.undo
    const first = await client.patch<DrainState>(PATH, { draining }, signal)
    const state = draining && config.wait !== undefined ? await empty(client, context) : first
    createOutput(terminal, config).value(state, () => describeDrain(state))
    return 0
  })
}

const contradiction = (): NodeError =>
  new NodeError('BAD_CONFIG_USAGE', '--undo takes it back at once: there is nothing to wait for', {
    next: 'compute-node drain --undo, or compute-node drain --wait',
  })

/**
 * Resolves when no lease is left.
 * @throws PEER_TIMEOUT when some are left after `--wait`; FAILED_DRAIN_UNDONE when somebody took it back meanwhile
 */
async function empty(
  client: ControlClient,
  { config, signal }: CommandContext,
): Promise<DrainState> {
  const giveUpAtMs = Date.now() + (config.wait ?? 0)
  for (;;) {
    const state = await client.get<DrainState>(PATH, signal)
    if (state.leases === 0) return state
    if (!state.draining) {
      throw new NodeError('FAILED_DRAIN_UNDONE', 'somebody let the miner take leases again', {
        next: 'compute-node drain --wait begins anew',
      })
    }
    const leftMs = giveUpAtMs - Date.now()
    if (leftMs <= 0) {
      throw new NodeError('PEER_TIMEOUT', `the time to wait is over: ${left(state)}`, {
        next: 'the miner takes no new ones; wait longer with --wait=TIME, or compute-node drain --undo',
      })
    }
    await sleep(Math.min(LOOK_MS, leftMs), signal)
  }
}

/** How far a miner is with running empty, in words. */
export const describeDrain = (state: DrainState): string =>
  state.draining
    ? `takes no new leases; ${left(state)}`
    : `takes leases; ${state.leases === 0 ? 'none runs' : left(state)}`

function left({ leases, endsAtMs }: DrainState): string {
  if (leases === 0) return 'none is left'
  const last =
    endsAtMs === null ? '' : `, the last until ${new Date(endsAtMs).toISOString().slice(0, 19)}Z`
  return `${counted(leases, 'lease')} ${leases === 1 ? 'runs' : 'run'}${last}`
}
