import { listOf } from '../../api/common.ts'
import { attestation, scoreDetail, scoreRow } from '../../api/scores.ts'
import type { Outputs } from './output.ts'

/** What commands on verdicts and scores print. */
export const scoreOutputs: Outputs = {
  attestations: { describe: 'a list', schema: listOf(attestation) },
  score: { describe: 'a list of all miners, best first', schema: listOf(scoreRow) },
  'score PEER': { describe: 'one miner, term by term', schema: scoreDetail },
}
