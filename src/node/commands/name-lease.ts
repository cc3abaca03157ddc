import type { ControlClient } from '../control/client.ts'
import type { LeaseView } from '../leases/lease-view.ts'
import { leasePath } from './lease-path.ts'

/** A lease by its whole id, and as LEASE that names it on any later command line. */
export interface NamedLease {
  readonly id: string
  readonly lease: string
}

/**
 * The lease that LEASE names, which may be shortened; another renter's is written ID@PEERID and stays so.
 * @throws NOTHING_MATCHED, BAD_CONFIG_LEASE
 */
export async function nameLease(client: ControlClient, text: string): Promise<NamedLease> {
  const [foreign, peer] = text.split('@') as [string, string?]
  if (peer !== undefined && /^[0-9a-f]{64}$/i.test(foreign)) {
    return { id: foreign.toLowerCase(), lease: text }
  }
  const { id } = await client.get<LeaseView>(leasePath(text))
  return { id, lease: id }
}
