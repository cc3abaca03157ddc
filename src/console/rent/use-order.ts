import { useCallback, useEffect, useRef, useState } from 'react'
import type { Lease } from '../../api/leases.ts'
import { ComputeNodeError, isNodeGone } from '../../client/errors.ts'
import { post, toldOf } from '../app/api.ts'
import { useNodeEvents } from '../app/node-data.tsx'
import type { Told } from '../ui/fault.ts'
import { bodyOf, type Wish } from './wish.ts'

/** A place in a miner's queue. */
export interface Place {
  readonly miner: string
  /** 0: it is our turn. */
  readonly position: number
  readonly waiting: number
  /** Null: nobody can tell. */
  readonly etaMs: number | null
}

export type OrderState =
  | { readonly kind: 'none' }
  | { readonly kind: 'asking'; readonly sinceMs: number }
  | { readonly kind: 'refused'; readonly error: Told }

export interface Order {
  readonly state: OrderState
  readonly place: Place | undefined
  /** Offers that could not be had, and why. */
  readonly passed: readonly string[]
  begin(wish: Wish): void
  cancel(): void
}

const ORDER_EVENTS = ['offer-not-taken', 'queue-place'] as const

/** Refusals after which a template's caches are left out: what only saves time is worth no refusal. */
const withoutCaches = new Set([
  'NOTHING_MATCHED',
  'REFUSED_NO_CAPACITY',
  'REFUSED_VOLUME',
  'REFUSED_VOLUME_BUSY',
])

/** One order at a time: placed, told of while it waits, cancelled; `onLease` hears of the lease that it became. */
export function useOrder(offer: string, onLease: (lease: Lease) => void): Order {
  const [state, setState] = useState<OrderState>({ kind: 'none' })
  const [place, setPlace] = useState<Place>()
  const [passed, setPassed] = useState<readonly string[]>([])
  const name = useRef('')
  const ending = useRef<AbortController>(undefined)
  // The same wish, asked again after a lost answer, is the same lease.
  const keyed = useRef<{ readonly text: string; readonly key: string }>(undefined)
  useEffect(() => () => ending.current?.abort(), [])
  useNodeEvents(
    ORDER_EVENTS,
    useCallback((event) => {
      if (event['order'] !== name.current || name.current === '') return
      if (event.event === 'queue-place') setPlace(event as unknown as Place)
      else setPassed((all) => [...all, String(event['reason'])])
    }, []),
  )
  const ask = async (wish: Wish): Promise<Lease> => {
    const signal = ending.current?.signal
    const send = (caches: boolean): Promise<Lease> => {
      const text = JSON.stringify([offer, wish, caches])
      if (keyed.current?.text !== text) keyed.current = { text, key: crypto.randomUUID() }
      return post(
        '/v1/leases',
        bodyOf(wish, offer, name.current, caches),
        keyed.current.key,
        signal,
      )
    }
    if (!wish.volumes.some(({ isCache }) => isCache === true) || wish.waits) return send(true)
    return send(true).catch((error: unknown) => {
      if (!(error instanceof ComputeNodeError) || !withoutCaches.has(error.code)) throw error
      return send(false)
    })
  }
  return {
    state,
    place,
    passed,
    begin(wish) {
      ending.current = new AbortController()
      const { signal } = ending.current
      name.current = crypto.randomUUID().slice(0, 16)
      setPlace(undefined)
      setPassed([])
      setState({ kind: 'asking', sinceMs: Date.now() })
      ask(wish).then(onLease, (error: unknown) => {
        if (signal.aborted) setState({ kind: 'none' })
        else setState({ kind: 'refused', error: toldOf(error) })
        if (error instanceof ComputeNodeError && !isNodeGone(error)) keyed.current = undefined
      })
    },
    cancel() {
      ending.current?.abort()
      setState({ kind: 'none' })
    },
  }
}
