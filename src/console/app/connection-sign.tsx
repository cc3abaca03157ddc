import { StateDot } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { useNowMs } from '../ui/duration.tsx'
import { durationText } from '../ui/format.ts'
import type { Tone } from '../ui/tone.ts'
import type { ConnectionState } from './connection.ts'
import { useConnection, useNodeState } from './node-data.tsx'

const shown: Readonly<Record<ConnectionState, readonly [tone: Tone, word: string]>> = {
  connecting: ['neutral', 'Connecting'],
  live: ['good', 'Live'],
  away: ['bad', 'Away'],
  refused: ['warn', 'Signed out'],
}

/** Whether the node answers, as a word with a dot; told to screen readers when it changes. */
export function ConnectionSign() {
  const [tone, word] = shown[useNodeState()]
  return (
    <span className="connection" role="status" aria-label={`The node is: ${word}`}>
      <StateDot tone={tone}>{word}</StateDot>
    </span>
  )
}

/** Over the page while the node is gone: since when, what that means for what is shown, and another try. */
export function AwayBanner() {
  const connection = useConnection()
  const state = useNodeState()
  if (state !== 'away') return null
  return (
    <div className="away-banner" role="alert">
      <span>
        <strong>The node does not answer</strong> <Since ms={connection.sinceMs()} />. What stands
        here is what it said last; leases go on without this page.
      </span>
      <Button onPress={connection.retry}>Reconnect</Button>
    </div>
  )
}

function Since({ ms }: { ms: number }) {
  return <span className="num">since {durationText(useNowMs() - ms)}</span>
}
