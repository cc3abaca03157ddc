import { NodeError } from '../../errors.ts'
import type { Terminal } from './command.ts'
import { enterRawMode } from './raw-terminal.ts'

const CTRL_C = '\u0003'
const CTRL_D = '\u0004'
const ENDS = ['\r', '\n', CTRL_D]
const ESCAPE = '\u001b'
const BACKSPACES = ['\b', '\u007f']
const LONGEST = 1024

/**
 * One line typed at a terminal, of which nothing is shown. Ends at Enter or Ctrl-D.
 * @throws FAILED_INTERRUPTED at Ctrl-C
 */
export async function readHidden(
  terminal: Terminal,
  question: string,
  signal: AbortSignal,
): Promise<string> {
  const { stdin, stderr } = terminal
  using _raw = enterRawMode(terminal)
  stderr.write(question)
  try {
    return await typedLine(stdin, signal)
  } finally {
    stderr.write('\n')
    stdin.pause()
  }
}

function typedLine(stdin: Terminal['stdin'], signal: AbortSignal): Promise<string> {
  const typed: string[] = []
  const decoder = new TextDecoder()
  return new Promise((resolve, reject) => {
    const stop = (end: () => void): void => {
      stdin.off('data', onData)
      stdin.off('end', onEnd)
      signal.removeEventListener('abort', onAbort)
      end()
    }
    const onAbort = (): void => stop(() => reject(interrupted()))
    const onEnd = (): void => stop(() => resolve(typed.join('')))
    const onData = (chunk: Buffer | string): void => {
      const text = typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
      if (text.startsWith(ESCAPE)) return // an arrow or another key without a letter
      for (const letter of text) {
        if (letter === CTRL_C) onAbort()
        if (ENDS.includes(letter)) onEnd()
        if (letter === CTRL_C || ENDS.includes(letter)) return
        if (BACKSPACES.includes(letter)) typed.pop()
        else if (letter >= ' ' && typed.length < LONGEST) typed.push(letter)
      }
    }
    if (signal.aborted) {
      reject(interrupted())
      return
    }
    signal.addEventListener('abort', onAbort, { once: true })
    stdin.on('data', onData)
    stdin.on('end', onEnd)
    stdin.resume()
  })
}

const interrupted = (): NodeError =>
  new NodeError('FAILED_INTERRUPTED', 'interrupted: nothing was written')
