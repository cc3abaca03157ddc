import { parentPort } from 'node:worker_threads'
import { messageOf } from './errors.ts'

type Method = (value: never) => unknown

interface Request {
  readonly id: number
  readonly method: string
  readonly value: unknown
}

/** Answers the calls of `createThread` with these methods; must run in a worker thread. */
export function answerThread(methods: Readonly<Record<string, Method>>): void {
  parentPort?.on('message', async ({ id, method, value }: Request) => {
    try {
      const answer = await methods[method]!(value as never)
      parentPort?.postMessage({ id, value: answer })
    } catch (error) {
      parentPort?.postMessage({ id, error: messageOf(error) })
    }
  })
}

/** Tells the thread's owner something that is no answer. */
export const postEvent = (event: unknown): void => parentPort?.postMessage({ event })
