import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDownToLine, Download, ScrollText } from 'lucide-react'
import { useEffect, useMemo, useRef, useState } from 'react'
import type { Lease } from '../../../api/leases.ts'
import { isNodeGone } from '../../../client/errors.ts'
import { logBytesOf } from '../../../client/lease-sessions.ts'
import { http, inOurWords, toldOf } from '../../app/api.ts'
import { useNodeState } from '../../app/node-data.tsx'
import { Button } from '../../ui/button.tsx'
import { EmptyState } from '../../ui/empty-state.tsx'
import type { Told } from '../../ui/fault.ts'
import { Problem } from '../../ui/problem.tsx'
import { Select } from '../../ui/select.tsx'
import { SkeletonRows } from '../../ui/skeleton.tsx'
import { Switch } from '../../ui/switch.tsx'
import { useToast } from '../../ui/toast.tsx'
import { hasStarted } from '../lease-sign.ts'
import { saveBlob } from '../save-blob.ts'
import { leasePath } from '../use-leases.ts'
import { createLogLines, type LogLine, matching } from './log-lines.ts'
import './logs.css'

const LINE_PX = 20
/** Drawn this often at most, however fast it prints. */
const DRAWN_MS = 100
const AT_END_PX = 40

const tails = [
  { id: '200', title: 'Last 200 lines' },
  { id: '2000', title: 'Last 2 000 lines' },
  { id: 'all', title: 'All of it' },
]

/** What the main process prints: followed, searched, downloaded. */
export function LogsTab({ lease }: { lease: Lease }) {
  const [tail, setTail] = useState('2000')
  const [isStamped, setStamped] = useState(false)
  const [words, setWords] = useState('')
  const { lines, end, isLost, again } = useLog(lease, { tail, isStamped })
  const shown = useMemo(() => matching(lines, words), [lines, words])
  const download = useDownload(lease, isStamped)
  const counted =
    words === '' ? `${lines.length} lines` : `${shown.length} of ${lines.length} lines`
  return (
    <div className="logs">
      <div className="logs-bar">
        <input
          className="logs-search"
          type="search"
          aria-label="Show lines with"
          placeholder="Show lines with…"
          value={words}
          onChange={({ target }) => setWords(target.value)}
        />
        <span className="faint num logs-count" role="status">
          {isLost ? 'the way to the miner broke; reading goes on after the last line' : counted}
        </span>
        <Switch isOn={isStamped} onChange={setStamped}>
          Times
        </Switch>
        <Select label="How much" hidesLabel options={tails} value={tail} onChange={setTail} />
        <Button
          icon={<Download aria-hidden="true" />}
          label="Download the whole log"
          isPending={download.isPending}
          onPress={download.start}
        />
      </div>
      {end?.error !== undefined && lines.length === 0 ? (
        <Problem error={end.error} onRetry={again} />
      ) : lines.length === 0 && end === undefined && !hasStarted(lease.state) ? (
        <SkeletonRows rows={5} label="Reading the log" />
      ) : lines.length === 0 ? (
        <EmptyState icon={<ScrollText aria-hidden="true" />} title="It has printed nothing">
          {lease.command === null
            ? 'Its main process idles, so that you can use it by shells; what a shell prints stays there.'
            : 'What its command prints stands here as soon as it does.'}
        </EmptyState>
      ) : (
        <Lines lines={shown} words={words} />
      )}
    </div>
  )
}

interface LogOptions {
  readonly tail: string
  readonly isStamped: boolean
}

/** Without an error: it was read to its end, or the node is gone, which the page tells. */
interface LogEnd {
  readonly error?: Told
}

/** Follows a log; what is known of it, anew a few times a second. */
function useLog({ id, state }: Lease, { tail, isStamped }: LogOptions) {
  const [lines, setLines] = useState<readonly LogLine[]>([])
  const [end, setEnd] = useState<LogEnd>()
  const [isLost, setLost] = useState(false)
  const [turn, setTurn] = useState(0)
  const isLive = useNodeState() === 'live'
  const runs = hasStarted(state)
  // biome-ignore lint/correctness/useExhaustiveDependencies: read anew when it begins to run, and for another try
  useEffect(() => {
    if (!isLive) return
    const log = createLogLines()
    let timer: ReturnType<typeof setTimeout> | undefined
    const draw = (): void => {
      timer = undefined
      setLines([...log.all()])
    }
    setEnd(undefined)
    setLost(false)
    const leaving = new AbortController()
    const follow = async (): Promise<LogEnd> => {
      const { signal } = leaving
      const told = { onOpen: draw, onNotice: (notice: string) => setLost(notice === 'lost') }
      try {
        const pieces = logBytesOf(placeOf(id), {
          ...optionsOf(tail, isStamped, true),
          ...told,
          signal,
        })
        for await (const { stream, data } of pieces) {
          log.add(stream, data)
          timer ??= setTimeout(draw, DRAWN_MS)
        }
        return {}
      } catch (error) {
        return isNodeGone(error) ? {} : { error: toldOf(error) }
      }
    }
    void follow().then((how) => leaving.signal.aborted || setEnd(how))
    return () => {
      leaving.abort()
      clearTimeout(timer)
    }
  }, [id, tail, isStamped, isLive, runs, turn])
  return { lines, end, isLost, again: () => setTurn(turn + 1) }
}

const placeOf = (id: string) => ({ http, path: leasePath(id) })

const optionsOf = (tail: string, timestamps: boolean, follow: boolean) => ({
  follow,
  timestamps,
  ...(tail === 'all' ? {} : { tail: Number(tail) }),
})

/** The whole log as a file. */
function useDownload({ id }: Lease, isStamped: boolean) {
  const [isPending, setPending] = useState(false)
  const tell = useToast()
  const read = async (): Promise<void> => {
    const pieces: Uint8Array<ArrayBuffer>[] = []
    for await (const { data } of logBytesOf(placeOf(id), optionsOf('all', isStamped, false))) {
      pieces.push(data.slice())
    }
    saveBlob(new Blob(pieces, { type: 'text/plain' }), `lease-${id.slice(0, 12)}.log`)
  }
  const start = (): void => {
    setPending(true)
    inOurWords(read())
      .catch((error: unknown) => {
        const { message, next } = toldOf(error)
        tell({ tone: 'bad', title: message, detail: next })
      })
      .finally(() => setPending(false))
  }
  return { isPending, start }
}

/** Lines of any number; at its end it stays there as more come. */
function Lines({ lines, words }: { lines: readonly LogLine[]; words: string }) {
  const scroller = useRef<HTMLDivElement>(null)
  const [follows, setFollows] = useState(true)
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_PX,
    overscan: 30,
  })
  const toEnd = (): void => virtual.scrollToIndex(lines.length - 1, { align: 'end' })
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever lines come
  useEffect(() => {
    if (follows) toEnd()
  }, [lines, follows])
  const onScroll = (): void => {
    const { current } = scroller
    if (current === null) return
    setFollows(current.scrollHeight - current.scrollTop - current.clientHeight < AT_END_PX)
  }
  return (
    <div className="logs-frame">
      <div
        className="logs-lines mono"
        ref={scroller}
        onScroll={onScroll}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must scroll by keys
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label="Log"
      >
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const line = lines[index]!
            return (
              <div
                key={line.number}
                className={`logs-line logs-${line.stream}`}
                style={{ transform: `translateY(${start}px)` }}
              >
                <span className="logs-number num">{line.number}</span>
                <Marked text={line.text} words={words} />
              </div>
            )
          })}
        </div>
      </div>
      {follows ? null : (
        <span className="logs-follow">
          <Button
            icon={<ArrowDownToLine aria-hidden="true" />}
            onPress={() => {
              setFollows(true)
              toEnd()
            }}
          >
            Follow
          </Button>
        </span>
      )}
    </div>
  )
}

function Marked({ text, words }: { text: string; words: string }) {
  const at = words.trim() === '' ? -1 : text.toLowerCase().indexOf(words.trim().toLowerCase())
  if (at === -1) return <span>{text}</span>
  const to = at + words.trim().length
  return (
    <span>
      {text.slice(0, at)}
      <mark>{text.slice(at, to)}</mark>
      {text.slice(to)}
    </span>
  )
}
