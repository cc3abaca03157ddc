import '@xterm/xterm/css/xterm.css'
import { ChevronDown, ChevronUp, ClipboardPaste, Copy, Eraser, Plus, Search, X } from 'lucide-react'
import { type KeyboardEvent, useEffect, useRef, useState, useSyncExternalStore } from 'react'
import type { Lease } from '../../../api/leases.ts'
import { useNodeState } from '../../app/node-data.tsx'
import { Button } from '../../ui/button.tsx'
import { useToast } from '../../ui/toast.tsx'
import { useTheme } from '../../ui/use-theme.ts'
import type { Shell } from './shell.ts'
import { ShellNotice } from './shell-notice.tsx'
import { type Shells, shellsOf } from './shells.ts'
import './terminal.css'

/** Shells in a lease, several beside each other; they go on while something else is looked at. */
export function TerminalTab({ lease }: { lease: Lease }) {
  const shells = shellsOf(lease.id)
  useSyncExternalStore(shells.subscribe, shells.version)
  const [isSearching, setSearching] = useState(false)
  const nodeState = useNodeState()
  useEffect(() => {
    if (nodeState === 'live') shells.revive()
  }, [nodeState, shells])
  const current = shells.current()
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!event.ctrlKey || !event.shiftKey) return
    const key = event.key.toLowerCase()
    if (key === 'f') {
      event.preventDefault()
      setSearching(true)
    } else if (key === 'e') {
      event.preventDefault()
      document.getElementById(tabIdOf(current))?.focus()
    }
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it listens for keys of what is focused in it
    <div className="term" onKeyDown={onKeyDown}>
      <div className="term-bar">
        <ShellTabs shells={shells} />
        <Tools shell={current} onSearch={() => setSearching(true)} />
      </div>
      {isSearching ? <Finder shell={current} onClose={() => setSearching(false)} /> : null}
      <ShellNotice shell={current} lease={lease} />
      <ShellPlace shell={current} key={current.number} />
      <p className="term-hint">
        <kbd>Ctrl Shift C</kbd> copies, <kbd>Ctrl Shift V</kbd> pastes, <kbd>Ctrl Shift F</kbd>{' '}
        searches, <kbd>Ctrl Shift E</kbd> leaves the terminal
      </p>
    </div>
  )
}

const tabIdOf = ({ number }: Shell): string => `shell-tab-${number}`

function ShellTabs({ shells }: { shells: Shells }) {
  const all = shells.all()
  const current = shells.current()
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (step === undefined) return
    const next = all[(all.indexOf(current) + step + all.length) % all.length]!
    shells.show(next)
    document.getElementById(tabIdOf(next))?.focus()
  }
  return (
    <div className="term-tabs">
      <div role="tablist" aria-label="Shells" className="term-tablist">
        {all.map((shell) => (
          <button
            type="button"
            role="tab"
            key={shell.number}
            id={tabIdOf(shell)}
            aria-selected={shell === current}
            aria-controls="shell-place"
            tabIndex={shell === current ? 0 : -1}
            className="term-tab"
            onKeyDown={onKeyDown}
            onClick={() => shells.show(shell)}
          >
            <span className={`dot dot-${shell.isLive ? 'good' : 'neutral'}`} aria-hidden="true" />
            <span className="term-title">{shell.title}</span>
          </button>
        ))}
      </div>
      {all.length > 1 || !current.isLive ? (
        <Button
          kind="quiet"
          icon={<X aria-hidden="true" />}
          label={`Close ${current.title}`}
          onPress={() => shells.close(current)}
        />
      ) : null}
      <Button
        kind="quiet"
        icon={<Plus aria-hidden="true" />}
        label="Another shell"
        onPress={() => shells.add()}
      />
    </div>
  )
}

function Tools({ shell, onSearch }: { shell: Shell; onSearch: () => void }) {
  const tell = useToast()
  const paste = (): void => {
    shell.paste().catch(() =>
      tell({
        tone: 'bad',
        title: 'The browser does not let this page read the clipboard',
        detail: 'Ctrl-Shift-V in the terminal works without that.',
      }),
    )
  }
  return (
    <div className="term-tools">
      <Button kind="quiet" icon={<Search aria-hidden="true" />} label="Search" onPress={onSearch} />
      <Button
        kind="quiet"
        icon={<Copy aria-hidden="true" />}
        label="Copy the selection"
        onPress={() => void shell.copy()}
      />
      <Button
        kind="quiet"
        icon={<ClipboardPaste aria-hidden="true" />}
        label="Paste"
        onPress={paste}
      />
      <Button
        kind="quiet"
        icon={<Eraser aria-hidden="true" />}
        label="Clear"
        onPress={() => {
          shell.terminal.clear()
          shell.terminal.focus()
        }}
      />
    </div>
  )
}

/** Where the terminal is seen; it has the focus as soon as it is. */
function ShellPlace({ shell }: { shell: Shell }) {
  const place = useRef<HTMLDivElement>(null)
  const theme = useTheme()
  useEffect(() => shell.setTheme(theme), [shell, theme])
  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme is set above, in place
  useEffect(() => {
    const { current } = place
    if (current === null) return
    shell.attach(current, theme)
    shell.terminal.focus()
    const observer = new ResizeObserver(() => shell.fit())
    observer.observe(current)
    return () => {
      observer.disconnect()
      shell.detach()
    }
  }, [shell])
  return (
    <div
      className="term-place"
      id="shell-place"
      role="tabpanel"
      aria-labelledby={tabIdOf(shell)}
      ref={place}
    />
  )
}

/** Finds text in what was printed; Enter goes up, Shift-Enter down. */
function Finder({ shell, onClose }: { shell: Shell; onClose: () => void }) {
  const [text, setText] = useState('')
  const [found, setFound] = useState(true)
  const find = (wanted: string, back = true, isTyping = false): void => {
    if (wanted === '') {
      shell.search.clearDecorations()
      setFound(true)
    } else {
      setFound(
        back
          ? shell.search.findPrevious(wanted, { incremental: isTyping })
          : shell.search.findNext(wanted, { incremental: isTyping }),
      )
    }
  }
  const close = (): void => {
    shell.search.clearDecorations()
    onClose()
    shell.terminal.focus()
  }
  return (
    <div className="term-find" role="search">
      <input
        aria-label="Find in the terminal"
        placeholder="Find"
        value={text}
        // biome-ignore lint/a11y/noAutofocus: it was opened to be typed in
        autoFocus
        onChange={({ target }) => {
          setText(target.value)
          find(target.value, true, true)
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') find(text, !event.shiftKey)
          if (event.key === 'Escape') close()
        }}
      />
      <span className="faint" role="status">
        {found ? '' : 'not found'}
      </span>
      <Button
        kind="quiet"
        icon={<ChevronUp aria-hidden="true" />}
        label="Before"
        onPress={() => find(text)}
      />
      <Button
        kind="quiet"
        icon={<ChevronDown aria-hidden="true" />}
        label="After"
        onPress={() => find(text, false)}
      />
      <Button
        kind="quiet"
        icon={<X aria-hidden="true" />}
        label="Close the search"
        onPress={close}
      />
    </div>
  )
}
