import { every, sleep } from '../../clock.ts'
import { classesOf, classKey, shardOf, utcDay } from '../../protocols/capability.ts'
import { capabilityKey } from '../../protocols/capability-dht.ts'
import type { DhtRecords } from '../../protocols/dht.ts'
import { hoursMs, minutesMs, secondsMs } from '../../units.ts'
import type { Capabilities } from '../capabilities.ts'
import type { Core } from '../core.ts'
import type { Machine } from '../machine.ts'
import { packageVersion } from '../package-version.ts'
import type { Service } from '../service.ts'

interface Parts {
  readonly core: Core
  readonly dht: DhtRecords
  readonly capabilities: Capabilities
  readonly machine?: Machine | undefined
}

/**
 * Signs what this machine has, puts it into the DHT and lists this node under its classes, again and again: the DHT
 * forgets values after 48 hours and class keys change every UTC day.
 */
export const announceCapability = ({ core, dht, capabilities, machine }: Parts): Service => {
  const { net, key, peerId, log, nowMs, events } = core
  const local = net.network === 'local'

  /** Resolves with how many holders took the record. */
  async function announce(of: Machine, signal: AbortSignal): Promise<number> {
    const { devices, backend, engine } = of
    const binding = of.binding?.()
    const record = await capabilities.announce({
      devices: [...devices],
      classes: classesOf(devices),
      backend,
      engine,
      versions: { node: process.versions.node, program: packageVersion() },
      ...(binding === undefined ? {} : { binding }),
    })
    const { classes } = record.payload
    const holders = await dht.put(capabilityKey(peerId), record.bytes, signal)
    // From an hour before midnight also under tomorrow's keys, so that nobody vanishes at the change.
    const days = new Set([utcDay(nowMs()), utcDay(nowMs() + hoursMs(1))])
    for (const day of days) {
      for (const name of classes) {
        await dht.provide(classKey(net, name, shardOf(key.publicKey), day), signal)
      }
    }
    log.info('capability-announced', { classes: classes.join(' '), holders })
    const names = devices.map(({ name }) => name).join(', ')
    events.emit('capability-announced', { classes: classes.join(' '), devices: names, holders })
    return holders
  }

  return {
    name: 'announce-capability',
    async start(signal) {
      if (machine === undefined) return
      const retryMs = secondsMs(local ? 1 : 15)
      const intervalMs = local ? secondsMs(30) : minutesMs(30)
      void every(intervalMs, { signal, log, name: 'announce-capability' }, async () => {
        // Nobody holds it while this node knows nobody: it would be found only after the next interval.
        while ((await announce(machine, signal)) === 0) await sleep(retryMs, signal)
      })
    },
  }
}
