import type { FastifyInstance } from 'fastify'
import { NodeError } from '../../../errors.ts'
import type { Scores } from '../../scores.ts'
import type { MinerScore, ScoreReport } from '../../scoring/score.ts'

/** The score of one miner with everything that made it. */
export interface ScoreDetail extends MinerScore {
  /** Two nodes with the same hash compute the same score from the same evidence. */
  readonly constantsHash: string
  /** First and last slot of the window. */
  readonly from: number
  readonly to: number
  /** Validators of whose testimony in a slot something was left out, and why. */
  readonly ignored: ScoreReport['ignored']
}

/** One miner in the list of all. */
export type ScoreRow = Pick<
  MinerScore,
  'hotkey' | 'score' | 'weight' | 'reliability' | 'reason'
> & {
  readonly miners: readonly string[]
}

/**
 * `GET /v1/scores`: all miners, best first. `GET /v1/scores/PEER`: one by PeerId or hotkey in hex, term by term;
 * NOTHING_MATCHED when nobody testified about it.
 */
export function scoresRoute(
  app: FastifyInstance,
  { scores }: { readonly scores?: Scores | undefined },
): void {
  app.get('/v1/scores', async () => {
    const miners = [...(scores?.current().miners.values() ?? [])]
    return { items: miners.toSorted((a, b) => b.score - a.score).map(rowOf) }
  })
  app.get<{ Params: { peer: string } }>('/v1/scores/:peer', async ({ params }) => {
    const found = scores?.of(params.peer)
    if (scores === undefined || found === undefined) throw unknown(params.peer, scores)
    const { constantsHash, from, to, ignored } = scores.current()
    return { ...found, constantsHash, from, to, ignored } satisfies ScoreDetail
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
