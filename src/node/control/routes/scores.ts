import type { FastifyInstance } from 'fastify'
import { type ScoreRow, scoreRoutes } from '../../../api/scores.ts'
import { NodeError } from '../../../errors.ts'
import type { Scores } from '../../scores.ts'
import type { MinerScore } from '../../scoring/score.ts'
import { addRoute } from '../add-route.ts'
import { pageOf } from '../page.ts'

/**
 * `GET /v1/scores`: all miners, best first. `GET /v1/scores/PEER`: one by PeerId or hotkey in hex, term by term;
 * NOTHING_MATCHED when nobody testified about it.
 */
export function scoresRoute(
  app: FastifyInstance,
  { scores }: { readonly scores?: Scores | undefined },
): void {
  addRoute(app, scoreRoutes.listScores, ({ query }) => {
    const miners = [...(scores?.current().miners.values() ?? [])]
    const rows = miners.toSorted((a, b) => b.score - a.score).map(rowOf)
    return pageOf(rows, query, ({ hotkey }) => hotkey)
  })
  addRoute(app, scoreRoutes.getScore, ({ params }) => {
    const found = scores?.of(params.peer)
    if (scores === undefined || found === undefined) throw unknown(params.peer, scores)
    const { constantsHash, from, to, ignored } = scores.current()
    return { ...found, constantsHash, from, to, ignored }
  })
}

const rowOf = ({ hotkey, score, weight, reliability, reason, gpus }: MinerScore): ScoreRow => ({
  hotkey,
  score,
  weight,
  reliability,
  reason,
  miners: [...new Set(gpus.map(({ miner }) => miner))],
})

const unknown = (peer: string, scores: Scores | undefined): NodeError =>
  new NodeError('NOTHING_MATCHED', `no score of ${peer}: no settled slot has testimony about it`, {
    next:
      scores === undefined
        ? 'this node asks no chain: give --chain URL, so that it knows whose testimony counts'
        : 'compute-node attestations shows what is known; a slot settles moments after its end',
  })
