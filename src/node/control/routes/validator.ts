import type { FastifyInstance } from 'fastify'
import { overviewRoutes, type ValidatorState } from '../../../api/overview.ts'
import { NodeError } from '../../../errors.ts'
import type { ChainView } from '../../chain-view.ts'
import type { Core } from '../../core.ts'
import type { NodeEvent } from '../../events.ts'
import { formatTao } from '../../format-tao.ts'
import { openWeightsBook } from '../../weights-book.ts'
import { addRoute } from '../add-route.ts'

interface Needs {
  readonly core: Core
  readonly chainView: ChainView
}

/** `GET /v1/validator`. */
export function validatorRoute(app: FastifyInstance, { core, chainView }: Needs): void {
  const book = openWeightsBook(core.store)
  addRoute(app, overviewRoutes.getValidator, async (): Promise<ValidatorState> => {
    if (!core.config.roles.includes('validator')) {
      throw new NodeError('NOTHING_MATCHED', 'this node validates nothing', {
        next: 'run it with --role validator',
      })
    }
    const me = chainView.neuronOf(core.peerId)
    const read = chainView.snapshot()
    const [last, pending] = await Promise.all([book.last(), book.pending()])
    const isSet = read !== undefined && last !== undefined && last.epoch >= read.epoch.index
    const hotkeyOf = (uid: number): string | null => read?.metagraph.neurons[uid]?.hotkey ?? null
    return {
      hotkey: me?.hotkey ?? null,
      uid: me?.uid ?? null,
      permit: me?.validatorPermit ?? false,
      stake: me === undefined ? null : formatTao(me.stake),
      epoch:
        read === undefined
          ? null
          : {
              index: read.epoch.index,
              block: read.metagraph.block.number,
              nextBlock: read.epoch.next,
              blocksLeft: read.epoch.blocksLeft,
              tempo: read.epoch.tempo,
            },
      due: read !== undefined && !isSet,
      waiting: isSet ? null : waitingFor(core.events.recent()),
      weights:
        last === undefined
          ? null
          : {
              epoch: last.epoch,
              rows: last.row.map(([uid, weight]) => ({ uid, hotkey: hotkeyOf(uid), weight })),
            },
      pending: pending.map((one) => ({
        epoch: one.committedAt,
        way: one.way,
        uids: one.uids.length,
        round: one.way === 'timelock' ? one.round : null,
      })),
      slots: slotsOf(core.events.recent()),
    }
  })
}

/** What was told last of weights, unless they were set since. */
function waitingFor(events: readonly NodeEvent[]): ValidatorState['waiting'] {
  const last = events.findLast(
    ({ event }) => event === 'weights-waiting' || event === 'weights-set',
  )
  if (last?.event !== 'weights-waiting') return null
  return {
    reason: String(last['reason']),
    message: textOf(last['message']),
    next: textOf(last['next']),
  }
}

const textOf = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value : null

function slotsOf(events: readonly NodeEvent[]): ValidatorState['slots'] {
  const abstained = new Map(
    events
      .filter(({ event }) => event === 'slot-abstained')
      .map((one) => [one['slot'], String(one['why'])]),
  )
  return events
    .filter(({ event, gpus }) => event === 'slot-started' && gpus !== undefined) // a miner's slots have none
    .map(({ atMs, slot, gpus }) => ({
      slot: Number(slot),
      atMs,
      gpus: Number(gpus),
      abstained: abstained.get(slot) ?? null,
    }))
    .toReversed()
}
