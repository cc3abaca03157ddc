import type { Terminal } from './command.ts'

/** Ends modes that a full-screen program may have left on: mouse, pasting in brackets, keypad, colours, a hidden cursor. */
const CALM =
  '\r\n' +
  '\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[?1l\x1b>\x1b[?25h\x1b[0m'

/** Signals that end a process without Node's 'exit' event, and that this program does not handle elsewhere. */
const DEADLY = ['SIGQUIT', 'SIGABRT'] as const

export interface RawTerminal extends Disposable {
  /** True when the input is a terminal: keys come one by one, Ctrl-C as a byte. */
  readonly isRaw: boolean
  /** For a program that did not end by itself: undoes what it may have done to the screen. */
  calm(): void
}

/** Takes the terminal's keys as they are typed; disposing gives it back as it was, and so does every other end of this process. */
export function enterRawMode({ stdin, stdout }: Terminal): RawTerminal {
  const calm = (): void => {
    if (stdout.isTTY === true) stdout.write(CALM)
  }
  const { setRawMode } = stdin
  if (stdin.isTTY !== true || setRawMode === undefined) {
    return { isRaw: false, calm, [Symbol.dispose]: () => undefined }
  }
  const restore = (): void => void setRawMode.call(stdin, false)
  const die = (signal: NodeJS.Signals): void => {
    restore()
    for (const name of DEADLY) process.off(name, die)
    process.kill(process.pid, signal)
  }
  setRawMode.call(stdin, true)
  process.on('exit', restore)
  for (const name of DEADLY) process.on(name, die)
  return {
    isRaw: true,
    calm,
    [Symbol.dispose]() {
      restore()
      process.off('exit', restore)
      for (const name of DEADLY) process.off(name, die)
    },
  }
}
