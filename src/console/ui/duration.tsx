import { useEffect, useState } from 'react'
import { durationText, momentText } from './format.ts'

const SECOND_MS = 1000

/** A duration for a person. */
export function Duration({ ms }: { ms: number }) {
  return <span className="num">{durationText(ms)}</span>
}

/** How long ago something was, or until it comes; kept current each second, its moment on hover. */
export function Ago({ atMs }: { atMs: number }) {
  const nowMs = useNowMs()
  const past = nowMs - atMs
  const text = past >= 0 ? `${durationText(past)} ago` : `in ${durationText(-past)}`
  return (
    <time className="num" dateTime={new Date(atMs).toISOString()} title={momentText(atMs)}>
      {text}
    </time>
  )
}

/** The time, anew each second. */
export function useNowMs(): number {
  const [nowMs, setNowMs] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), SECOND_MS)
    return () => clearInterval(timer)
  }, [])
  return nowMs
}
