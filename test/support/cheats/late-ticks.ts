import { sleep } from '../../../src/clock.ts'
import { createTamperedBackend } from '../tampered-backend.ts'
import type { Cheat } from './cheat.ts'

export const lateTicks: Cheat = {
  name: 'late-ticks',
  does: 'lets its ticks out one after the other, later and later',
  verdict: 'LATE_COMMIT',
  bound: 'always: what counts is what arrived inside the windows, and a Final before the close',
  member: () => ({
    backend: createTamperedBackend(),
    change: ({ rpc, ...parts }) => ({
      ...parts,
      rpc: {
        ...rpc,
        serveStream: (protocol, handler, signal) =>
          rpc.serveStream(
            protocol,
            (request, caller) => slowly(handler(request, caller), caller.signal),
            signal,
          ),
      },
    }),
  }),
}

async function* slowly<T>(items: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  for await (const item of items) {
    await sleep(500, signal)
    yield item
  }
}
