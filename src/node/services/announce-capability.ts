import { every } from '../../clock.ts'
import type { ProofSizes } from '../../gpu/backend.ts'
import { ALWAYS_IDLE, type ModeSince } from '../../gpu/proof-mode.ts'
import { type SlotNetwork, slotNetworks } from '../../gpu/slot-network.ts'
import { classesOf, classKey, shardOf, utcDay } from '../../protocols/capability.ts'
import { capabilityKey } from '../../protocols/capability-dht.ts'
import type { DhtRecords } from '../../protocols/dht.ts'
import { hoursMs, minutesMs, secondsMs } from '../../units.ts'
import type { Announced, Capabilities } from '../capabilities.ts'
import type { Core } from '../core.ts'
import type { Machine } from '../machine.ts'
import { toJson } from '../output.ts'
import { packageVersion } from '../package-version.ts'
import type { Service } from '../service.ts'
import { leasedSizesOf } from '../tenant-room.ts'

interface Parts {
  readonly core: Core
  readonly dht: DhtRecords
  readonly capabilities: Capabilities
  readonly machine?: Machine | undefined
}

/** Held by fewer, a record is put again soon: one holder may leave, or be the one that answers nobody just now. */
const ENOUGH_HOLDERS = 3
/**
 * How often it is looked at whether anything changed: a mode that shall count soon is told at once, and a device that is
 * not filled in time is withdrawn before its slot.
 */
const lookMsOf = (local: boolean): number => (local ? 100 : secondsMs(1))

/**
 * Signs what this machine has, puts it into the DHT and lists this node under its classes: at once when it changes
 * (a hotkey bound this peer), soon again while few hold it, and again and again, for the DHT forgets values and class
 * keys change every UTC day.
 */
export const announceCapability = ({ core, dht, capabilities, machine }: Parts): Service => {
  const { net, key, peerId, log, nowMs, events } = core
  const local = net.network === 'local'
  const slots = slotNetworks[net.network]

  /** Resolves with how many holders took the record, or the listing that fewest took. */
  async function announce(of: Machine, signal: AbortSignal): Promise<number> {
    const record = await capabilities.announce(whatOf(of, slots))
    const { classes, devices } = record.payload
    // From an hour before midnight also under tomorrow's keys, so that nobody vanishes at the change.
    const days = new Set([utcDay(nowMs()), utcDay(nowMs() + hoursMs(1))])
    const places = [...days].flatMap((day) =>
      classes.map((name) => classKey(net, name, shardOf(key.publicKey), day)),
    )
    const [holders, ...told] = await Promise.all([
      dht.put(capabilityKey(peerId), record.bytes, signal),
      ...places.map((place) => dht.provide(place, signal)),
    ])
    log.info('capability-announced', { classes: classes.join(' '), holders })
    const names = devices.map(({ name }) => name).join(', ')
    events.emit('capability-announced', { classes: classes.join(' '), devices: names, holders })
    return Math.min(holders, ...told)
  }

  return {
    name: 'announce-capability',
    async start(signal) {
      if (machine === undefined) return
      const intervalMs = local ? secondsMs(30) : minutesMs(30)
      const retryMs = secondsMs(local ? 1 : 15)
      const lookMs = lookMsOf(local)
      let said = { text: '', dueMs: 0, soonMs: retryMs }
      // Telling a DHT without holders takes minutes: a change in between is told at once.
      let stale = new AbortController()
      const look = (): void => {
        if (toJson(whatOf(machine, slots)) !== said.text) stale.abort()
      }
      machine.capacity?.onChange(look, signal)
      machine.onProofs?.(look, signal)
      /** Without a holder soon: nobody would find it. A small network never has enough: those waits grow. */
      const after = (holders: number, soonMs: number) =>
        holders >= ENOUGH_HOLDERS
          ? { dueMs: nowMs() + intervalMs, soonMs: retryMs }
          : {
              dueMs: nowMs() + (holders === 0 ? 0 : soonMs),
              soonMs: Math.min(2 * soonMs, intervalMs),
            }
      void every(lookMs, { signal, log, name: 'look-at-capability' }, look)
      let looks = 0
      void every(lookMs, { signal, log, name: 'announce-capability' }, async () => {
        const text = toJson(whatOf(machine, slots))
        looks += 1
        // A change is told at the next look; what nobody took is not tried again that often.
        const waits = nowMs() < said.dueMs || looks * lookMs < retryMs
        if (text === said.text && waits) return
        looks = 0
        stale = new AbortController()
        said = { text, dueMs: 0, soonMs: said.soonMs }
        const { signal: changed } = stale
        try {
          const holders = await announce(machine, AbortSignal.any([signal, changed]))
          said = { text, ...after(holders, said.soonMs) }
        } catch (error) {
          if (!changed.aborted) throw error
        }
      })
    },
  }
}

const leasedFields = (sizes: ProofSizes | undefined) =>
  sizes === undefined ? {} : { leasedN: sizes.n, leasedBytes: sizes.bytes }

/** A device's mode as its record tells it; nothing of one that proves nothing and was never leased. */
const modeFields = (since: ModeSince) =>
  since.fromMs === 0 ? {} : { mode: since.mode, modeFromMs: since.fromMs, modeBefore: since.before }

/**
 * A device that is lost or paused, or does not hold its fill, is not announced: nobody expects its proofs, and nobody
 * counts it as silent.
 */
function whatOf(
  { devices: all, backend, engine, isolation, binding, nextBinding, capacity, modes }: Machine,
  slots: SlotNetwork,
): Announced {
  for (const { id } of all) if (capacity?.barOf(id) !== undefined) modes?.left(id)
  const devices = all
    .filter(({ id }) => capacity?.barOf(id) === undefined)
    .flatMap((device) => {
      const since = modes === undefined ? ALWAYS_IDLE : modes.of(device.id)
      if (since === undefined) return []
      const leased = leasedFields(leasedSizesOf(device, slots))
      return [{ ...device, ...leased, ...modeFields(since) }]
    })
  const [bound, next] = [binding?.(), nextBinding?.()]
  return {
    devices,
    classes: classesOf(devices),
    backend,
    engine,
    ...(isolation === undefined ? {} : { isolation }),
    versions: { node: process.versions.node, program: packageVersion() },
    ...(bound === undefined ? {} : { binding: bound }),
    ...(next === undefined ? {} : { nextBinding: next }),
  }
}
