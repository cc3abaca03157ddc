import { NodeError } from '../../errors.ts'

/** Why a device takes no new work: its GPU is gone, its owner's limits say so, or it did not pass what it is checked for. */
export interface Bar {
  readonly kind: 'lost' | 'paused' | 'unfit'
  readonly reason: string
}

/** Who holds which devices of this machine, and which of them may work. */
export interface Capacity {
  /** How many devices there are. */
  readonly size: number
  /** A device that came after the start; nothing happens when it is known. */
  add(device: string): void
  /** Takes all of `devices` for a lease or none; REFUSED_NO_CAPACITY names one that is taken, barred or unknown. */
  reserve(leaseId: string, devices: readonly string[]): void
  /** The same for a lease that already runs, whether or not its devices may take new work. */
  adopt(leaseId: string, devices: readonly string[]): void
  /** Gives back what a lease holds; nothing happens when it holds nothing. */
  release(leaseId: string): void
  /** Gives what one holds to another, who takes it at that moment: nobody comes in between. */
  handOver(from: string, to: string): void
  /** Whether a lease holds anything. */
  holds(leaseId: string): boolean
  /** Who holds a device, if anybody does. */
  holderOf(device: string): string | undefined
  /** All devices, held or barred or not. */
  all(): string[]
  /** Devices that nobody holds and that may work, in the order they were given. */
  free(): string[]
  /** Keeps a device from new work, or (without a bar) lets it work again. Leases keep what they hold. */
  bar(device: string, bar: Bar | undefined): void
  /**
   * Keeps everything on one engine from new leases, with the reason, or (without one) lets it take them again; proofs go
   * on. Without a name: the one engine of a miner whose owner named none.
   */
  shut(reason: string | undefined, engine?: string): void
  /** The same for all devices, whatever their engines say. */
  close(reason: string | undefined): void
  /** Why nothing on a device's engine, or nothing here at all, takes a new lease, if so. */
  shutOf(device: string): string | undefined
  /** What keeps a device from new work, if anything does. */
  barOf(device: string): Bar | undefined
  /** Calls back after every change, until `signal` aborts. */
  onChange(listener: () => void, signal: AbortSignal): void
}

/** `engineOf` tells on which engine a device is; all are on one without it. */
export function createCapacity(
  first: readonly string[],
  engineOf: (device: string) => string | undefined = () => undefined,
): Capacity {
  const devices = [...first]
  const holders = new Map<string, string>()
  const bars = new Map<string, Bar>()
  /** By engine. */
  const closed = new Map<string | undefined, string>()
  let closedAll: string | undefined
  const shutOf = (device: string): string | undefined => closedAll ?? closed.get(engineOf(device))
  const listeners = new Set<() => void>()
  const tell = (): void => {
    for (const listener of listeners) listener()
  }

  /** Why a lease may not have a device; undefined when it may. */
  function refusal(leaseId: string, device: string): string | undefined {
    const holder = holders.get(device)
    if (!devices.includes(device)) return 'is not on this machine'
    return holder === undefined || holder === leaseId ? undefined : 'is taken'
  }

  function hold(
    leaseId: string,
    wanted: readonly string[],
    why: (device: string) => string | undefined,
  ): void {
    if (new Set(wanted.map(engineOf)).size > 1) {
      throw new NodeError('REFUSED_NO_CAPACITY', 'these devices are on several machines', {
        next: 'take the devices of one offer',
      })
    }
    for (const device of wanted) {
      const refused = refusal(leaseId, device) ?? why(device)
      if (refused === undefined) continue
      throw new NodeError('REFUSED_NO_CAPACITY', `${device} ${refused}`, {
        next: 'take another offer, or try again later',
      })
    }
    for (const device of wanted) holders.set(device, leaseId)
    tell()
  }

  return {
    get size() {
      return devices.length
    },
    add(device) {
      if (devices.includes(device)) return
      devices.push(device)
      tell()
    },
    reserve: (leaseId, wanted) =>
      hold(leaseId, wanted, (device) => {
        const shut = shutOf(device)
        if (shut !== undefined) return `takes no lease now: ${shut}`
        const bar = bars.get(device)
        return bar === undefined ? undefined : `is ${bar.kind}: ${bar.reason}`
      }),
    adopt: (leaseId, wanted) => hold(leaseId, wanted, () => undefined),
    release(leaseId) {
      let changed = false
      for (const [device, holder] of holders) {
        if (holder === leaseId) changed = holders.delete(device)
      }
      if (changed) tell()
    },
    handOver(from, to) {
      for (const [device, holder] of holders) if (holder === from) holders.set(device, to)
      tell()
    },
    holderOf: (device) => holders.get(device),
    all: () => [...devices],
    holds: (leaseId) => holders.values().some((holder) => holder === leaseId),
    free: () =>
      devices.filter(
        (device) => !holders.has(device) && !bars.has(device) && shutOf(device) === undefined,
      ),
    bar(device, bar) {
      const before = bars.get(device)
      if (before?.kind === bar?.kind && before?.reason === bar?.reason) return
      if (bar === undefined) bars.delete(device)
      else bars.set(device, bar)
      tell()
    },
    shut(reason, engine) {
      if (closed.get(engine) === reason) return
      if (reason === undefined) closed.delete(engine)
      else closed.set(engine, reason)
      tell()
    },
    close(reason) {
      if (closedAll === reason) return
      closedAll = reason
      tell()
    },
    shutOf,
    barOf: (device) => bars.get(device),
    onChange(listener, signal) {
      listeners.add(listener)
      signal.addEventListener('abort', () => listeners.delete(listener), { once: true })
    },
  }
}
