import type { UseQueryResult } from '@tanstack/react-query'
import type { Lease } from '../../api/leases.ts'
import type { ComputeNodeError } from '../../client/errors.ts'
import { useNode } from '../app/node-data.tsx'

/** After each of these a lease may stand elsewhere. */
const LEASE_EVENTS = [
  'lease-running',
  'lease-ended',
  'lease-settled',
  'lease-extended',
  'lease-not-extended',
  'lease-notice',
  'lease-disputed',
  'lease-paused',
  'lease-resumed',
  'receipt-countersigned',
] as const

/** What no event tells: that a miner is silent, what a starting one does. */
const LIST_EVERY_MS = 5000
const LEASE_EVERY_MS = 2000

/** Where a lease's resources lie. */
export const leasePath = (id: string, rest = ''): string =>
  `/v1/leases/${encodeURIComponent(id)}${rest}`

/** All leases that this node rented, newest first. */
export const useLeases = (): UseQueryResult<
  { readonly items: readonly Lease[] },
  ComputeNodeError
> => useNode('/v1/leases', { events: LEASE_EVENTS, everyMs: LIST_EVERY_MS })

/** One lease, kept current. */
export const useLease = (id: string): UseQueryResult<Lease, ComputeNodeError> =>
  useNode(leasePath(id), { events: LEASE_EVENTS, everyMs: LEASE_EVERY_MS })
