import { type Extended, openExtensions, unextended } from '../../protocols/extension.ts'
import type { Network } from '../../protocols/network.ts'
import { openTerms, type Terms } from '../../protocols/terms.ts'
import type { HostedLease, RentedLease } from './lease-records.ts'

type Stored = Pick<HostedLease | RentedLease, 'leaseId' | 'minerTerms' | 'extensions'>

/** What holds of a stored lease after all its extensions. */
export const extendedOf = (net: Network, { leaseId, minerTerms, extensions }: Stored): Extended =>
  openExtensions(
    net,
    unextended(leaseId, openTerms(net, minerTerms, 'miner').payload),
    extensions ?? [],
  )

/** The terms of a stored lease as they hold now. */
export const termsOf = (net: Network, lease: Stored): Terms => extendedOf(net, lease).terms
