import { fork } from 'node:child_process'
import { once } from 'node:events'

/** The other process of a benchmark: a copy of its own file that answers messages. */
export interface Child extends AsyncDisposable {
  /** Sends a message and waits for the answer. */
  ask<Answer>(message: unknown): Promise<Answer>
}

/** Starts `file` as a process of its own, with `args`; it ends with the scope. */
export function startChild(file: string, args: readonly string[] = []): Child {
  const child = fork(file, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  return {
    ask: <Answer>(message: unknown) =>
      new Promise<Answer>((resolve, reject) => {
        const onExit = (code: number | null): void => {
          child.off('message', onMessage)
          reject(new Error(`the other process ended with ${code}`))
        }
        const onMessage = (answer: unknown): void => {
          child.off('exit', onExit)
          resolve(answer as Answer)
        }
        child.once('message', onMessage).once('exit', onExit)
        child.send(message as object)
      }),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exit = once(child, 'exit')
      child.disconnect() // it exits by itself
      await exit
    },
  }
}

/** In the child: answers each message; a failure ends the process. */
export function answerParent(answer: (message: never) => Promise<unknown>): void {
  process.on('message', (message) => {
    answer(message as never).then(
      (value) => process.send?.(value as object),
      (error: unknown) => {
        console.error(error)
        process.exit(1)
      },
    )
  })
  process.on('disconnect', () => process.exit())
}
