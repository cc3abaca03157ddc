import { hash } from 'node:crypto'
import type { BeaconInfo, Pulse } from './beacon.ts'
import type { Log } from './log.ts'
import { createThread, siblingModule } from './thread.ts'

/** Checks BLS signatures of pulses in a thread: one costs about 30 ms, which would delay the stamping of ticks. */
export interface PulseVerifier extends AsyncDisposable {
  /** The pulse if its signature is right, else null; FAILED_PULSES_* when this machine failed. */
  verify(round: number, signature: Uint8Array): Promise<Pulse | null>
}

const TIMEOUT_MS = 30_000

/** A verifier for one beacon; its thread starts with the first pulse. */
export function createPulseVerifier(beacon: BeaconInfo, log: Log): PulseVerifier {
  const thread = createThread({
    module: siblingModule(import.meta.url, 'pulse-worker'),
    name: 'pulse-verifier',
    code: 'FAILED_PULSES',
    log,
  })
  return {
    async verify(round, signature) {
      const { name, publicKey, periodMs, genesisMs } = beacon
      const info = { name, publicKey, periodMs, genesisMs }
      const good = await thread.call<boolean>('verify', { info, round, signature }, TIMEOUT_MS)
      if (!good) return null
      return { round, signature, randomness: new Uint8Array(hash('sha256', signature, 'buffer')) }
    },
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  }
}
