import { useEffect, useState } from 'react'
import type { KeptUsage, LeaseUsage } from '../../../api/lease-usage.ts'
import type { Lease } from '../../../api/leases.ts'
import { http } from '../../app/api.ts'
import { useNodeState } from '../../app/node-data.tsx'
import { hasStarted } from '../lease-sign.ts'
import { leasePath } from '../use-leases.ts'
import { type Sample, withKept, withSample } from './usage-samples.ts'

/** What is known of each lease; another page of the console does not forget it. */
const seen = new Map<string, readonly Sample[]>()

/**
 * What a lease used in the last minutes, anew each second while it is looked at; the newest last. What came while the page
 * was hidden the node tells when it is shown again.
 */
export function useUsage(lease: Lease): readonly Sample[] {
  const { id } = lease
  const [samples, setSamples] = useState(() => seen.get(id) ?? [])
  const isLive = useNodeState() === 'live'
  // A miner that is silent is asked again once it is heard of.
  const runs = hasStarted(lease.state) && !lease.over && lease.health !== 'unknown'
  const isShown = useIsShown()
  useEffect(() => {
    if (!runs || !isLive || !isShown) return
    const leaving = new AbortController()
    const follow = async (): Promise<void> => {
      const show = (next: readonly Sample[]): void => {
        seen.set(id, next)
        setSamples(next)
      }
      const ask = { path: leasePath(id, '/usage'), query: { kept: 'true' }, signal: leaving.signal }
      for await (const { event, data } of http.events(ask)) {
        if (event === 'kept') show(withKept(seen.get(id) ?? [], data as KeptUsage, Date.now()))
        else if (event === 'usage') {
          show(withSample(seen.get(id) ?? [], Date.now(), data as LeaseUsage))
        } else if (event === 'ended') return
      }
    }
    follow().catch(() => undefined) // the lease and the node themselves tell that they are gone
    return () => leaving.abort()
  }, [id, runs, isLive, isShown])
  return samples
}

/** A page that nobody sees holds no stream open: a browser has six per node for all its tabs. */
function useIsShown(): boolean {
  const [isShown, setShown] = useState(!document.hidden)
  useEffect(() => {
    const look = (): void => setShown(!document.hidden)
    document.addEventListener('visibilitychange', look)
    return () => document.removeEventListener('visibilitychange', look)
  }, [])
  return isShown
}
