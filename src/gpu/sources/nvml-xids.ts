import { deviceHandles } from './nvml-devices.ts'
import { type Handle, NVML, type NvmlLibrary } from './nvml-library.ts'

/** nvmlEventTypeXidCriticalError. */
const XID_EVENTS = 0x8n
/** sizeof(nvmlEventData_t): device, type, data (the Xid's number), two MIG ids. */
const EVENT_BYTES = 32
/** So that a driver that reports without end does not hold a reading up. */
const MOST_EVENTS = 64

/** Faults that the driver reports, from now on. */
export interface Xids extends Disposable {
  /** The newest Xid of each device; takes what has arrived, never waits. */
  newest(): ReadonlyMap<Handle, number>
}

/** Listens for every device that can report; a driver that cannot reports nothing. */
export function followXids(nvml: NvmlLibrary): Xids {
  const newest = new Map<Handle, number>()
  const created = Buffer.alloc(8)
  if (nvml.call('nvmlEventSetCreate', created) !== NVML.success) {
    return { newest: () => newest, [Symbol.dispose]: () => undefined }
  }
  const set = created.readBigUInt64LE()
  for (const device of deviceHandles(nvml)) {
    if (typeof device === 'bigint') nvml.call('nvmlDeviceRegisterEvents', device, XID_EVENTS, set)
  }
  return {
    newest() {
      const event = Buffer.alloc(EVENT_BYTES)
      for (let i = 0; i < MOST_EVENTS; i++) {
        if (nvml.call('nvmlEventSetWait_v2', set, event, 0) !== NVML.success) break
        newest.set(event.readBigUInt64LE(0), Number(event.readBigUInt64LE(16)))
      }
      return newest
    },
    [Symbol.dispose]: () => void nvml.call('nvmlEventSetFree', set),
  }
}
