import { setMaxListeners } from 'node:events'
import { timeOf } from '../../beacon.ts'
import { sleep } from '../../clock.ts'
import type { PulseSource } from './pulses.ts'
import type { Client, Methods } from './rpc-server.ts'

/** `cn_beaconInfo`, `cn_pulses` (from, to) and `cn_subscribePulses`, which starts with the newest pulse. */
export function pulseMethods(pulses: PulseSource, signal: AbortSignal): Methods {
  setMaxListeners(0, signal)
  return {
    cn_beaconInfo: () => pulses.info(),
    cn_pulses: ([from, to]) => pulses.range(from, to),
    cn_subscribePulses: (_, client) => {
      const life = new AbortController()
      const id = client.subscribe(() => life.abort())
      setImmediate(() => void follow(pulses, client, id, AbortSignal.any([life.signal, signal])))
      return id
    },
    cn_unsubscribePulses: ([id], client) => client.unsubscribe(String(id)),
  }
}

/** Sends every pulse when its time comes. */
async function follow(
  pulses: PulseSource,
  client: Client,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  for (let round = Math.max(1, pulses.newest()); !signal.aborted; round++) {
    try {
      await sleep(Math.max(0, timeOf(pulses.beacon, round) - Date.now()), signal)
    } catch {
      return // the subscription or the chain ended while waiting
    }
    while (pulses.newest() < round) await sleep(1)
    client.notify('cn_pulse', id, pulses.pulse(round))
  }
}
