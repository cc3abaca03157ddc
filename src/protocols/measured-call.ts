import { codeOf } from '../errors.ts'
import type { CallOutcome } from '../metrics.ts'
import type { Handler } from './rpc-server.ts'

/** Told what became of a request, who answered it, and how long it took, ms. */
export type OnCall = (
  protocol: string,
  side: 'asked' | 'served',
  outcome: CallOutcome,
  ms: number,
) => void

/** A handler whose answers are told to `onCall`. It never looks at the caller's signal, which is dear to make. */
export const measured = <Req, Res>(
  protocol: string,
  handler: Handler<Req, Res>,
  onCall: OnCall | undefined,
): Handler<Req, Res> =>
  onCall === undefined
    ? handler
    : (request, caller) =>
        timed(
          () => handler(request, caller),
          (outcome, ms) => onCall(protocol, 'served', outcome, ms),
        )

/** Items as they come; what became of the first, or of an answer without any, is told to `onCall`. */
export async function* measuredItems<T>(
  items: AsyncIterable<T>,
  tell: (outcome: CallOutcome, ms: number) => void,
  signal?: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const source = items[Symbol.asyncIterator]()
  try {
    let item = await timed(() => source.next(), tell, signal)
    for (; item.done !== true; item = await source.next()) yield item.value
  } finally {
    await source.return?.()
  }
}

/** Does something and tells how it ended; where `signal` aborted meanwhile, it was cancelled. */
export async function timed<T>(
  work: () => Promise<T>,
  tell: (outcome: CallOutcome, ms: number) => void,
  signal?: AbortSignal,
): Promise<T> {
  const startMs = performance.now()
  const end = (outcome: CallOutcome): void => tell(outcome, performance.now() - startMs)
  try {
    const result = await work()
    end('ok')
    return result
  } catch (error) {
    end(signal?.aborted === true ? 'cancelled' : outcomeOf(error))
    throw error
  }
}

/** A peer chooses the codes of its refusals: only their kinds are told apart. */
function outcomeOf(error: unknown): CallOutcome {
  const code: string = codeOf(error)
  if (error instanceof Error && error.name === 'AbortError') return 'cancelled'
  if (code.startsWith('REFUSED')) return 'refused'
  if (code.startsWith('BAD_MESSAGE')) return 'bad_message'
  if (code === 'PEER_TIMEOUT') return 'timeout'
  if (code === 'PEER_LOST') return 'lost'
  return code.startsWith('PEER_') ? 'unreachable' : 'failed'
}
