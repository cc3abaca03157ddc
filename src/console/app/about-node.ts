import type { UseQueryResult } from '@tanstack/react-query'
import type { accessRoutes } from '../../api/access.ts'
import type { AnswerOf } from '../../api/route.ts'
import type { ComputeNodeError } from '../../client/errors.ts'
import { useNode } from './node-data.tsx'

/** Which node this is, and what this browser may do with it. */
export type AboutNode = AnswerOf<typeof accessRoutes.getSession>

/** Which node this page stands before, and who asks it. */
export const useAboutNode = (): UseQueryResult<AboutNode, ComputeNodeError> =>
  useNode<AboutNode>('/v1/session')
