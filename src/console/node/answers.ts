import type { gpuRoutes, LimitsAnswer } from '../../api/gpus.ts'
import type { PolicyAnswer, QueueRow } from '../../api/hosting.ts'
import type { AnswerOf } from '../../api/route.ts'
import type { ScoreDetail } from '../../api/scores.ts'

// What the routes of src/api answer, by short names for this folder.
export type Gpu = AnswerOf<typeof gpuRoutes.listGpus>['items'][number]
export type Limits = LimitsAnswer
export type Policy = PolicyAnswer
export type Place = QueueRow
export type Score = ScoreDetail
export type ScoredGpu = Score['gpus'][number]
export type ScoredSlot = ScoredGpu['slots'][number]
export type Term = ScoredGpu['terms'][number]
export type Cause = Term['causes'][number]
