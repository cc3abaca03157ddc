import { Search, X } from 'lucide-react'
import {
  type KeyboardEvent,
  type RefObject,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
} from 'react'
import { Button } from '../ui/button.tsx'
import { isTyping } from '../ui/is-typing.ts'
import { KeyHint } from '../ui/key-hint.tsx'
import { type Completion, completions, type KnownValues } from './complete-query.ts'
import type { QueryProblem } from './filter-offers.ts'
import { queryInk } from './query-ink.ts'
import './query-bar.css'

export interface QueryBarProps {
  readonly text: string
  readonly onChange: (text: string) => void
  readonly problem: QueryProblem | undefined
  readonly known: KnownValues
}

/** Where a query is typed: coloured as it is read, completed from the offers there are, wrong at the place where it is. */
export function QueryBar({ text, onChange, problem, known }: QueryBarProps) {
  const input = useRef<HTMLInputElement>(null)
  const id = useId()
  const list = useCompletions(text, input, known)
  const take = (completion: Completion): void => {
    const { from, to, insert } = completion
    const next = text.slice(0, from) + insert + text.slice(to)
    onChange(next)
    list.goTo(from + insert.length)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') {
      if (list.isOpen) list.close()
      else input.current?.blur()
      return
    }
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      if (list.isOpen) list.move(event.key === 'ArrowDown' ? 1 : -1)
      else list.open()
      return
    }
    const chosen = list.isOpen ? list.items[list.at] : undefined
    if ((event.key === 'Enter' || event.key === 'Tab') && chosen !== undefined && !event.shiftKey) {
      event.preventDefault()
      take(chosen)
    } else if (event.key === 'Enter') list.close()
  }
  useSlash(input)
  const isWrong = problem !== undefined && !list.isFinishing
  return (
    <search className="query">
      <div className={`query-box${isWrong ? ' query-wrong' : ''}`}>
        <Search className="query-icon" aria-hidden="true" />
        <div className="query-line">
          <Ink text={text} problem={isWrong ? problem : undefined} input={input} />
          <input
            ref={input}
            className="query-input"
            role="combobox"
            aria-label="Query for offers"
            aria-expanded={list.isOpen}
            aria-controls={`${id}-list`}
            aria-autocomplete="list"
            aria-activedescendant={list.isOpen && list.at >= 0 ? `${id}-${list.at}` : undefined}
            aria-invalid={isWrong}
            aria-describedby={isWrong ? `${id}-problem` : undefined}
            placeholder="gpu_ram>=24 dph<1.5 verified=true"
            spellCheck={false}
            autoComplete="off"
            autoCapitalize="off"
            value={text}
            onChange={({ target }) => {
              onChange(target.value)
              list.open()
            }}
            onFocus={list.look}
            onBlur={list.close}
            onClick={list.open}
            onKeyUp={list.look}
            onKeyDown={onKeyDown}
          />
        </div>
        {text === '' ? (
          <KeyHint keys={['/']} />
        ) : (
          <Button
            kind="quiet"
            icon={<X aria-hidden="true" />}
            label="Clear the query"
            onPress={() => {
              onChange('')
              input.current?.focus()
            }}
          />
        )}
      </div>
      {isWrong ? (
        <div className="query-problem" id={`${id}-problem`} role="status">
          <span style={{ paddingLeft: `min(${problem.from}ch, 55%)` }}>
            <span aria-hidden="true">↑ </span>
            {problem.message}
            {problem.instead === undefined ? null : (
              <Button
                kind="quiet"
                onPress={() => {
                  onChange(text.slice(0, problem.from) + problem.instead + text.slice(problem.to))
                  input.current?.focus()
                }}
              >
                Use {problem.instead}
              </Button>
            )}
          </span>
        </div>
      ) : null}
      {list.isOpen ? (
        <div className="query-list" id={`${id}-list`} role="listbox" aria-label="Completions">
          {list.items.map((item, i) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the input has the keys of a combobox
            <div
              key={item.title}
              id={`${id}-${i}`}
              role="option"
              aria-selected={i === list.at}
              tabIndex={-1}
              className={`query-option query-${item.kind}`}
              ref={i === list.at ? intoView : undefined}
              onPointerDown={(event) => event.preventDefault() /* the input keeps the focus */}
              onClick={() => take(item)}
            >
              <span className="mono">{item.title}</span>
              <span className="query-detail">{item.detail}</span>
            </div>
          ))}
        </div>
      ) : null}
    </search>
  )
}

const intoView = (element: HTMLElement | null): void =>
  element?.scrollIntoView({ block: 'nearest' })

/** The text behind the transparent one of the input, which scrolls with it. */
function Ink({
  text,
  problem,
  input,
}: {
  text: string
  problem: QueryProblem | undefined
  input: RefObject<HTMLInputElement | null>
}) {
  const ink = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const { current } = input
    if (current === null) return
    const follow = (): void => {
      if (ink.current !== null) ink.current.scrollLeft = current.scrollLeft
    }
    follow()
    current.addEventListener('scroll', follow)
    return () => current.removeEventListener('scroll', follow)
  })
  return (
    <div className="query-ink" aria-hidden="true" ref={ink}>
      {queryInk(text, problem).map(({ from, text: part, kind, isWrong }) => (
        <span key={from} className={`ink-${kind}${isWrong ? ' ink-wrong' : ''}`}>
          {part}
        </span>
      ))}
    </div>
  )
}

/** `/` anywhere goes to the query. */
function useSlash(input: RefObject<HTMLInputElement | null>): void {
  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent): void => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || isTyping(event.target)) return
      event.preventDefault()
      input.current?.focus()
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [input])
}

/** The list of completions: open where one can be taken, with one of them under the keys. */
function useCompletions(
  text: string,
  input: RefObject<HTMLInputElement | null>,
  known: KnownValues,
) {
  const [isWanted, setWanted] = useState(false)
  const [caret, setCaret] = useState(text.length)
  const [moved, setMoved] = useState<number | undefined>(undefined)
  const goal = useRef<number | undefined>(undefined)
  const items = isWanted ? completions(text, Math.min(caret, text.length), known) : []
  const isPartial = items[0] !== undefined && items[0].from < items[0].to
  const at = Math.min(moved ?? (isPartial ? 0 : -1), items.length - 1)
  const look = (): void => setCaret(input.current?.selectionStart ?? text.length)
  useLayoutEffect(() => {
    if (goal.current === undefined) return
    input.current?.setSelectionRange(goal.current, goal.current)
    goal.current = undefined
  })
  return {
    items,
    at,
    isOpen: items.length > 0,
    /** Somebody is in the middle of a word: it is too early to call it wrong. */
    isFinishing: isWanted && isPartial && items[0]!.to === text.length,
    look,
    open(): void {
      setWanted(true)
      setMoved(undefined)
      look()
    },
    close: () => setWanted(false),
    move: (step: number) => setMoved((at + step + items.length) % items.length),
    /** Puts the caret there once the text has changed. */
    goTo(next: number): void {
      goal.current = next
      setCaret(next)
      setMoved(undefined)
    },
  }
}
