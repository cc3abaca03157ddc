import { type KeyboardEvent, useEffect, useId, useMemo, useState } from 'react'
import { Dialog as AriaDialog } from 'react-aria-components/Dialog'
import { Modal, ModalOverlay } from 'react-aria-components/Modal'
import { useLocation } from 'wouter'
import { KeyHint } from '../ui/key-hint.tsx'
import { chooseTheme } from '../ui/use-theme.ts'
import { pages } from './pages.tsx'
import { type PaletteCommand, usePageCommands } from './palette-commands.ts'
import './palette.css'

/** Everything that can be done from where one is, found by typing. */
export function Palette({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  return (
    <ModalOverlay
      className="dialog-veil dialog-middle"
      isOpen={isOpen}
      onOpenChange={(open) => open || onClose()}
      isDismissable
    >
      <Modal className="dialog-box">
        <AriaDialog className="palette" aria-label="Commands">
          <Finder onDone={onClose} />
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  )
}

function Finder({ onDone }: { onDone: () => void }) {
  const [typed, setTyped] = useState('')
  const [at, setAt] = useState(0)
  const list = useId()
  const commands = useCommands()
  const found = commands.filter(({ title }) => fits(title, typed))
  const current = Math.min(at, found.length - 1)
  const run = (command: PaletteCommand | undefined): void => {
    if (command === undefined) return
    onDone()
    command.run()
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined && found.length > 0) {
      event.preventDefault()
      setAt((current + step + found.length) % found.length)
    }
    if (event.key === 'Enter') run(found[current])
  }
  useEffect(() => {
    document.getElementById(`${list}-${current}`)?.scrollIntoView({ block: 'nearest' })
  }, [list, current])
  return (
    <>
      <input
        className="palette-input"
        role="combobox"
        aria-label="Find a command"
        aria-expanded
        aria-controls={list}
        aria-activedescendant={found.length === 0 ? undefined : `${list}-${current}`}
        placeholder="Go to, or do…"
        value={typed}
        onChange={({ target }) => {
          setTyped(target.value)
          setAt(0)
        }}
        onKeyDown={onKeyDown}
        // biome-ignore lint/a11y/noAutofocus: a dialog takes the focus, and this is all there is in it
        autoFocus
      />
      <div className="palette-list" id={list} role="listbox" aria-label="Commands">
        {found.map((command, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the input has the keys of a combobox
          <div
            key={command.title}
            id={`${list}-${i}`}
            role="option"
            aria-selected={i === current}
            tabIndex={-1}
            className="palette-option"
            onPointerMove={() => setAt(i)}
            onClick={() => run(command)}
          >
            <span>{command.title}</span>
            {command.keys === undefined ? null : <KeyHint keys={command.keys} />}
          </div>
        ))}
        {found.length === 0 ? <p className="palette-none">Nothing is called that</p> : null}
      </div>
    </>
  )
}

/** Every word typed begins a word of the title. */
function fits(title: string, typed: string): boolean {
  const words = title.toLowerCase().split(/\s+/)
  const wanted = typed.toLowerCase().split(/\s+/).filter(Boolean)
  return wanted.every((part) => words.some((word) => word.startsWith(part)))
}

function useCommands(): readonly PaletteCommand[] {
  const [, navigate] = useLocation()
  const own = usePageCommands()
  return useMemo(
    () => [
      ...own,
      ...pages.flatMap(({ title, nav }) =>
        nav === undefined
          ? []
          : [{ title: `Go to ${title}`, keys: ['g', nav.letter], run: () => navigate(nav.to) }],
      ),
      { title: 'Theme: light', run: () => chooseTheme('light') },
      { title: 'Theme: dark', run: () => chooseTheme('dark') },
      { title: 'Theme: as the system', run: () => chooseTheme('system') },
    ],
    [own, navigate],
  )
}
