import { NodeError } from '../../errors.ts'

/** Who holds which devices of this machine. */
export interface Capacity {
  /** Takes all of `devices` for a lease or none; REFUSED_NO_CAPACITY names one that is taken or unknown. */
  reserve(leaseId: string, devices: readonly string[]): void
  /** Gives back what a lease holds; nothing happens when it holds nothing. */
  release(leaseId: string): void
  /** Whether a lease holds anything. */
  holds(leaseId: string): boolean
  /** Devices that nobody holds, in the order they were given. */
  free(): string[]
  /** Calls back after every change, until `signal` aborts. */
  onChange(listener: () => void, signal: AbortSignal): void
}

export function createCapacity(devices: readonly string[]): Capacity {
  const holders = new Map<string, string>()
  const listeners = new Set<() => void>()
  const tell = (): void => {
    for (const listener of listeners) listener()
  }
  return {
    reserve(leaseId, wanted) {
      for (const device of wanted) {
        const holder = holders.get(device)
        if (devices.includes(device) && (holder === undefined || holder === leaseId)) continue
        const why = holder === undefined ? 'is not on this machine' : 'is taken'
        throw new NodeError('REFUSED_NO_CAPACITY', `${device} ${why}`, {
          next: 'take another offer, or try again when that lease has ended',
        })
      }
      for (const device of wanted) holders.set(device, leaseId)
      tell()
    },
    release(leaseId) {
      let changed = false
      for (const [device, holder] of holders) {
        if (holder === leaseId) changed = holders.delete(device)
      }
      if (changed) tell()
    },
    holds: (leaseId) => holders.values().some((holder) => holder === leaseId),
    free: () => devices.filter((device) => !holders.has(device)),
    onChange(listener, signal) {
      listeners.add(listener)
      signal.addEventListener('abort', () => listeners.delete(listener), { once: true })
    },
  }
}
