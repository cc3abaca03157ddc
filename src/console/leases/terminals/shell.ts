import { FitAddon } from '@xterm/addon-fit'
import { SearchAddon } from '@xterm/addon-search'
import { WebLinksAddon } from '@xterm/addon-web-links'
import { Terminal } from '@xterm/xterm'
import { isNodeGone } from '../../../client/errors.ts'
import { type LeaseShell, shellIn } from '../../../client/lease-sessions.ts'
import { http, toldOf } from '../../app/api.ts'
import type { Told } from '../../ui/fault.ts'
import { bytesText } from '../../ui/format.ts'
import { leasePath } from '../use-leases.ts'
import { terminalThemes } from './terminal-theme.ts'

/** lost: between node and miner, the shell goes on there; away: the node is gone, and the shell with it. */
export type ShellState =
  | { readonly kind: 'opening' | 'open' | 'lost' | 'resumed' | 'away' }
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'failed'; readonly error: Told }

/** Output that waits to be drawn before what runs in the shell is slowed down. */
const MOST_WAITING_BYTES = 1024 * 1024
/** The same of a page that nobody sees, which browsers let draw next to nothing: what runs there is not slowed, a flood is cut. */
const MOST_HIDDEN_BYTES = 24 * 1024 * 1024
const RESUMED_SHOWN_MS = 4000

/**
 * One shell in a lease and the terminal that shows it. It lives until it is closed or the page is left, also while
 * another tab or page is looked at: `attach` moves it to where it is seen.
 */
export class Shell {
  readonly number: number
  readonly terminal: Terminal
  readonly search = new SearchAddon()
  readonly #leaseId: string
  readonly #fit = new FitAddon()
  readonly #holder = document.createElement('div')
  readonly #tell: () => void
  #shell: LeaseShell | undefined
  #state: ShellState = { kind: 'opening' }
  #title = ''
  #waitingBytes = 0
  #cutBytes = 0
  #isOpened = false

  constructor(leaseId: string, number: number, tell: () => void) {
    this.#leaseId = leaseId
    this.number = number
    this.#tell = tell
    this.#holder.className = 'term-holder'
    this.terminal = new Terminal({
      allowProposedApi: true,
      cursorBlink: true,
      fontFamily:
        'ui-monospace, "SF Mono", "JetBrains Mono", "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace',
      fontSize: 13,
      lineHeight: 1.2,
      minimumContrastRatio: 4.5,
      scrollback: 10_000,
    })
    this.terminal.loadAddon(this.#fit)
    this.terminal.loadAddon(this.search)
    this.terminal.loadAddon(new WebLinksAddon())
    const encoder = new TextEncoder()
    this.terminal.onData((text) => this.#typed(encoder.encode(text)))
    this.terminal.onBinary((text) => this.#typed(bytesOf(text)))
    this.terminal.onResize(({ cols, rows }) => this.#shell?.resize(cols, rows).catch(itsEndTells))
    this.terminal.onTitleChange((title) => {
      this.#title = title
      this.#tell()
    })
    this.terminal.attachCustomKeyEventHandler((event) => this.#onKey(event))
  }

  get state(): ShellState {
    return this.#state
  }

  /** What the program in it calls itself, else its number. */
  get title(): string {
    return this.#title === '' ? `Shell ${this.number}` : this.#title
  }

  get isLive(): boolean {
    return ['opening', 'open', 'lost', 'resumed'].includes(this.#state.kind)
  }

  /** Shows it there, and opens a shell if none was yet. */
  attach(place: HTMLElement, theme: 'light' | 'dark'): void {
    place.append(this.#holder)
    this.setTheme(theme)
    if (!this.#isOpened) {
      this.#isOpened = true
      this.terminal.open(this.#holder)
    }
    this.fit()
    if (this.#shell === undefined && this.#state.kind === 'opening') this.open()
  }

  detach(): void {
    this.#holder.remove()
  }

  setTheme(theme: 'light' | 'dark'): void {
    this.terminal.options.theme = terminalThemes[theme]
  }

  /** Takes the size of its place. */
  fit(): void {
    if (this.#holder.isConnected && this.#holder.clientWidth > 0) this.#fit.fit()
  }

  /** A new shell in the same terminal, what was printed before stays above. */
  open(): void {
    if (this.#state.kind !== 'opening')
      this.terminal.write('\r\n\x1b[2m── a new shell ──\x1b[0m\r\n')
    this.#become({ kind: 'opening' })
    const { cols: columns, rows } = this.terminal
    this.#hangUp()
    const shell = shellIn(
      { http, path: leasePath(this.#leaseId) },
      {
        columns,
        rows,
        env: { TERM: 'xterm-256color' },
        onOpen: () => this.#become({ kind: 'open' }),
        onNotice: (notice) => this.#become({ kind: notice }),
      },
    )
    this.#shell = shell
    void this.#follow(shell)
  }

  /** Hangs up on the shell and forgets it. */
  close(): void {
    this.#hangUp()
    this.#holder.remove()
    this.terminal.dispose()
  }

  async copy(): Promise<void> {
    const text = this.terminal.getSelection()
    if (text !== '') await navigator.clipboard.writeText(text)
  }

  async paste(): Promise<void> {
    this.terminal.paste(await navigator.clipboard.readText())
    this.terminal.focus()
  }

  #typed(data: Uint8Array): void {
    if (this.isLive) this.#shell?.write(data).catch(itsEndTells)
    else if (data[0] === ENTER) this.open()
  }

  /** Shows what comes until it ends; of one that was hung up on nothing is told. */
  async #follow(shell: LeaseShell): Promise<void> {
    let end: ShellState
    try {
      for await (const data of shell.output) await this.#print(data)
      end = { kind: 'exited', exitCode: await shell.exit }
    } catch (error) {
      end = isNodeGone(error) ? { kind: 'away' } : { kind: 'failed', error: toldOf(error) }
    }
    if (this.#shell !== shell) return
    this.#shell = undefined
    this.terminal.write('\x1b[?1049l\x1b[?25h\x1b[0m') // a program that was cut off left the screen as it had it
    this.#become(end)
  }

  #hangUp(): void {
    const shell = this.#shell
    this.#shell = undefined
    shell?.[Symbol.dispose]()
  }

  /** Resolves once there is room for more. */
  async #print(data: Uint8Array): Promise<void> {
    if (document.hidden && this.#waitingBytes > MOST_HIDDEN_BYTES) {
      this.#cutBytes += data.length
      return
    }
    if (this.#cutBytes > 0) {
      const text = `${bytesText(this.#cutBytes)} of output came while this page was hidden, and are not shown`
      this.terminal.write(`\r\n\x1b[0;2m── ${text} ──\x1b[0m\r\n`)
      this.#cutBytes = 0
    }
    this.#waitingBytes += data.length
    const drawn = new Promise<void>((resolve) => {
      this.terminal.write(data, () => {
        this.#waitingBytes -= data.length
        resolve()
      })
    })
    // Drawn in order: once this is, all before it is.
    if (this.#waitingBytes > MOST_WAITING_BYTES && !document.hidden) await drawn
  }

  #become(state: ShellState): void {
    this.#state = state
    this.#tell()
    if (state.kind !== 'resumed') return
    setTimeout(() => {
      if (this.#state === state) this.#become({ kind: 'open' })
    }, RESUMED_SHOWN_MS)
  }

  /** Copying and pasting as in other terminals; false: the key is not the shell's. */
  #onKey(event: KeyboardEvent): boolean {
    if (event.type !== 'keydown') return true
    const key = event.key.toLowerCase()
    const mod = event.ctrlKey || event.metaKey
    if (mod && key === 'k' && !event.shiftKey && event.metaKey) return false
    if (mod && key === 'c' && (event.shiftKey || event.metaKey)) {
      event.preventDefault()
      void this.copy()
      return false
    }
    // The browser pastes into the terminal's own text field.
    if (mod && key === 'v' && (event.shiftKey || event.metaKey)) return false
    if (event.ctrlKey && event.shiftKey && (key === 'f' || key === 'e')) return false
    return true
  }
}

const ENTER = 0x0d

const itsEndTells = (): void => undefined

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))
