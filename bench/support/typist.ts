import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { NodeError } from '../../src/errors.ts'

/** A program on a pseudo-terminal of its own, which script(1) makes. */
export async function typist(command: readonly string[]) {
  const line = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  const child = spawn('script', ['-qfec', line, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await shows(child, 'ready')
  await delay(200) // the rest of the line
  return {
    async echoMs(): Promise<number> {
      const startMs = performance.now()
      const shown = shows(child, 'x')
      child.stdin.write('x')
      await shown
      return performance.now() - startMs
    },
    [Symbol.dispose]: () => void child.kill('SIGHUP'),
  }
}

const MOST_MS = 30_000

type Terminal = ChildProcessByStdio<Writable, Readable, null>

/** Resolves when the text was printed. */
function shows(child: Terminal, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = ''
    const onData = (chunk: Buffer): void => {
      seen += chunk.toString('latin1')
      if (seen.includes(text)) settle(resolve)
    }
    const fail = (): void =>
      settle(() => reject(new NodeError('FAILED', `a terminal did not show ${text}: ${seen}`)))
    const timer = setTimeout(fail, MOST_MS)
    const settle = (outcome: () => void): void => {
      clearTimeout(timer)
      child.stdout.off('data', onData)
      child.off('exit', fail)
      outcome()
    }
    child.stdout.on('data', onData)
    child.once('exit', fail)
  })
}
