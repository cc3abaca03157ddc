import { useEffect, useState } from 'react'
import { toldOf } from '../app/api.ts'
import type { Told } from '../ui/fault.ts'
import { type Check, checkHere, type Finding } from './check-here.ts'
import { type Come, takeTranscript } from './take-transcript.ts'

/** What is checked: what the node has under a content id, or a file of this computer's. */
export type Source = { readonly id: string } | { readonly file: File }

/** How far a check in this page is. */
export interface Recheck {
  /** Of what comes from the node. */
  readonly come?: Come
  readonly checks: readonly Check[]
  readonly finding?: Finding
  /** From the first byte in this page to the last check, ms. */
  readonly tookMs?: number
  readonly error?: Told
}

/** Takes and checks a transcript once; what goes on ends with the component, or when the source is another. */
export function useRecheck(source: Source): Recheck {
  const [state, setState] = useState<Recheck>({ checks: [] })
  useEffect(() => {
    const leaving = new AbortController()
    const { signal } = leaving
    const tell = (change: (before: Recheck) => Recheck): void => {
      if (!signal.aborted) setState(change)
    }
    const run = async (): Promise<void> => {
      const onCome = (come: Come): void => tell((before) => ({ ...before, come }))
      const content =
        'file' in source ? source.file : await takeTranscript(source.id, onCome, signal)
      const startedMs = performance.now()
      const onCheck = (check: Check): void =>
        tell((before) => ({ ...before, checks: [...before.checks, check] }))
      const finding = await checkHere(content, onCheck, signal)
      tell((before) => ({ ...before, finding, tookMs: performance.now() - startedMs }))
    }
    setState({ checks: [] })
    run().catch((error: unknown) => tell((before) => ({ ...before, error: toldOf(error) })))
    return () => leaving.abort()
  }, [source])
  return state
}
