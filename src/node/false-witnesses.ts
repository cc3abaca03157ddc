import { type BeaconInfo, timeOf } from '../beacon.ts'
import { hoursMs } from '../units.ts'
import type { Core } from './core.ts'

/**
 * Validators whose witness was held against the transcript that it names, and is not of it: they signed VALID without its
 * bytes. No small proof shows it, so each node finds it for itself, while transcripts are served.
 */
export interface FalseWitnesses {
  /** Whether a witness of this validator's in a slot was found false: no VALID of its counts there. */
  isFalse(slot: number, validator: string): boolean
  add(slot: number, validator: string): Promise<void>
  /** Another number whenever something was found. */
  revision(): number
}

/** As long as a slot can be in the window of the scores, with room. */
const KEPT_MS = hoursMs(24 * 18)

/** Loads what was found before this start and goes on from there. */
export async function createFalseWitnesses(
  { store, nowMs, events, log }: Pick<Core, 'store' | 'nowMs' | 'events' | 'log'>,
  beacon: BeaconInfo,
): Promise<FalseWitnesses> {
  const bucket = store.bucket('false-witnesses')
  const found = new Set<string>()
  const keyOf = (slot: number, validator: string): string =>
    `${String(slot).padStart(16, '0')}/${validator}`
  let revision = 0

  async function forget(): Promise<void> {
    for (const key of found) {
      if (timeOf(beacon, Number(key.split('/')[0])) >= nowMs() - KEPT_MS) continue
      found.delete(key)
      await bucket.del(key)
    }
  }

  for await (const key of bucket.keys()) found.add(key)
  await forget()
  return {
    isFalse: (slot, validator) => found.has(keyOf(slot, validator)),
    async add(slot, validator) {
      const key = keyOf(slot, validator)
      if (found.has(key)) return
      found.add(key)
      revision += 1
      log.warn('false-witness', { slot, validator })
      events.emit('false-witness', { slot, validator })
      await bucket.put(key, new Uint8Array())
      await forget()
    },
    revision: () => revision,
  }
}
