import { useEffect, useRef, useState } from 'react'
import { toldOf } from '../../app/api.ts'
import type { Transfer } from './transfers.ts'

type Work = (tell: (change: Partial<Transfer>) => void, signal: AbortSignal) => Promise<void>

export interface Transfers {
  readonly items: readonly Transfer[]
  start(what: Pick<Transfer, 'way' | 'name' | 'totalBytes'>, work: Work): Promise<void>
  cancel(id: number): void
  forget(): void
}

/** Files on their way; who leaves ends them. */
export function useTransfers(): Transfers {
  const [items, setItems] = useState<readonly Transfer[]>([])
  const running = useRef(new Map<number, AbortController>())
  const last = useRef(0)
  useEffect(() => {
    const { current } = running
    return () => {
      for (const one of current.values()) one.abort(new Error('the page was left'))
    }
  }, [])
  return {
    items,
    async start(what, work) {
      const id = ++last.current
      const ending = new AbortController()
      running.current.set(id, ending)
      const tell = (change: Partial<Transfer>): void =>
        setItems((all) => all.map((one) => (one.id === id ? { ...one, ...change } : one)))
      setItems((all) => [{ ...what, id, doneBytes: 0, state: 'moving' }, ...all])
      try {
        await work(tell, ending.signal)
      } catch (error) {
        tell(
          ending.signal.aborted
            ? { state: 'cancelled' }
            : { state: 'failed', error: toldOf(error) },
        )
      } finally {
        running.current.delete(id)
      }
    },
    cancel: (id) => running.current.get(id)?.abort(new Error('cancelled')),
    forget: () =>
      setItems((all) => all.filter(({ state }) => state === 'moving' || state === 'hashing')),
  }
}
