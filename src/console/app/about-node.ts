import type { UseQueryResult } from '@tanstack/react-query'
import type { ApiError } from './api.ts'
import { useNode } from './node-data.tsx'

/** What the whole console needs to know of the node it stands before. */
export interface AboutNode {
  readonly peerId: string
  /** The market's name on the wire. */
  readonly network: string
  readonly roles: readonly string[]
  readonly version: string
}

/** Which node this is. */
export const useAboutNode = (): UseQueryResult<AboutNode, ApiError> =>
  useNode<AboutNode>('/v1/status')
