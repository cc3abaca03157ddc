import { useEffect, useState } from 'react'
import type { Lease } from '../../../api/leases.ts'
import { usageOf } from '../../../client/lease-sessions.ts'
import { http } from '../../app/api.ts'
import { useNodeState } from '../../app/node-data.tsx'
import { hasStarted } from '../lease-sign.ts'
import { leasePath } from '../use-leases.ts'
import { type Sample, withSample } from './usage-samples.ts'

/** What was seen of each lease; another tab, or another page, does not forget it. */
const seen = new Map<string, readonly Sample[]>()

/** What a lease used in the last minutes, anew each second while it is looked at; the newest last. */
export function useUsage(lease: Lease): readonly Sample[] {
  const { id } = lease
  const [samples, setSamples] = useState(() => seen.get(id) ?? [])
  const isLive = useNodeState() === 'live'
  const runs = hasStarted(lease.state) && !lease.over
  const isShown = useIsShown()
  useEffect(() => {
    if (!runs || !isLive || !isShown) return
    const leaving = new AbortController()
    const follow = async (): Promise<void> => {
      const { signal } = leaving
      for await (const usage of usageOf({ http, path: leasePath(id) }, { signal })) {
        const next = withSample(seen.get(id) ?? [], Date.now(), usage)
        seen.set(id, next)
        setSamples(next)
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
