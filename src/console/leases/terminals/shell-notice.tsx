import { useState } from 'react'
import type { Lease } from '../../../api/leases.ts'
import { Button } from '../../ui/button.tsx'
import { useNowMs } from '../../ui/duration.tsx'
import type { Shell, ShellState } from './shell.ts'

/** What is with a shell that is not simply open, over the terminal: nothing is written into what runs there. */
export function ShellNotice({ shell, lease }: { shell: Shell; lease: Lease }) {
  const { state } = shell
  const [tone, text] =
    lease.state === 'PAUSED'
      ? (['info', 'The lease is paused: its shells stand still.'] as const)
      : state.kind === 'opening' && lease.health === 'unknown'
        ? (['warn', SILENT] as const)
        : said(state)
  if (text === '') return null
  return (
    <div className={`term-notice term-notice-${tone}`}>
      <span>
        <span role="status">{text}</span>
        {state.kind === 'opening' ? <Waited /> : null}
      </span>
      {shell.isLive ? null : (
        <Button
          onPress={() => {
            shell.open()
            shell.terminal.focus()
          }}
        >
          New shell
        </Button>
      )}
    </div>
  )
}

const SILENT =
  'Its miner does not answer now. The shell opens if it comes back within a minute; what runs there may go on.'

const WORTH_TELLING_S = 5

/** For how long nothing came, once that is long. */
function Waited() {
  const [sinceMs] = useState(Date.now)
  const seconds = Math.floor((useNowMs() - sinceMs) / 1000)
  return seconds < WORTH_TELLING_S ? null : ` No answer for ${seconds} s.`
}

function said(state: ShellState): readonly [tone: string, text: string] {
  switch (state.kind) {
    case 'opening':
      return ['info', 'Opening a shell…']
    case 'lost':
      return [
        'warn',
        'The connection to the miner broke. The shell goes on there; it is resumed where it was as soon as there is a way.',
      ]
    case 'resumed':
      return ['good', 'Resumed: nothing of the shell is lost.']
    case 'away':
      return [
        'bad',
        'This node went away, and the shell with it. A new one opens when the node is back.',
      ]
    case 'exited':
      return [
        'info',
        `The shell has ended with exit code ${state.exitCode}. Enter opens a new one.`,
      ]
    case 'failed':
      return [
        'bad',
        `${state.error.message}.${state.error.next === undefined ? '' : ` Next: ${state.error.next}`}`,
      ]
    default:
      return ['info', '']
  }
}
