import { leaseStates } from '../../lease-states.ts'
import { deviceUses, gpuStates } from '../../metrics.ts'
import { MiB } from '../../units.ts'
import { gpuRow } from '../gpu-rows.ts'
import type { Capacity } from '../leases/capacity.ts'
import { holderOfTurn } from '../leases/waiting-line.ts'
import type { OwnGpus } from '../own-gpus.ts'
import type { Parts } from '../parts.ts'
import { certificateEnds } from './certificate-ends.ts'
import type { Meters } from './meters.ts'

const none = {}

/** What a miner shows: its devices, its engines, its leases and its price; nothing on other nodes. */
export async function collectHosting(parts: Parts): Promise<void> {
  const { core, hosting, gpus, price, drain } = parts
  if (hosting === undefined || gpus === undefined) return
  const { meters, config } = core
  collectGpus(parts, gpus)
  collectDevices(meters, hosting.capacity)
  const live = [...hosting.live.values()]
  for (const state of leaseStates) {
    const count = live.filter(({ lease }) => lease.state === state).length
    meters.set('compute_node_leases', { state }, count)
  }
  const unpaid = live.filter(({ hold }) => hold !== undefined).length
  meters.set('compute_node_leases_unpaid', none, unpaid)
  meters.set('compute_node_queue_waiting', none, hosting.line.all().length)
  for (const { name, engine } of hosting.engines.all) {
    const isUp = !(engine instanceof Error) && !hosting.engineFaults.has(name)
    meters.set('compute_node_engine_up', { engine: name ?? 'default' }, isUp ? 1 : 0)
  }
  for (const [name, atMs] of await certificateEnds(config.engines)) {
    meters.set(
      'compute_node_engine_certificate_expiry_timestamp_seconds',
      { engine: name },
      atMs / 1000,
    )
  }
  meters.set('compute_node_draining', none, drain?.now().sinceMs == null ? 0 : 1)
  if (price === undefined) return
  const { perHour, asset } = price.now()
  meters.set('compute_node_price_per_hour', { asset }, Number(perHour))
}

/** A figure that the driver does not tell is absent, not 0. */
function collectGpus({ core: { meters }, ownFills, preflight }: Parts, gpus: OwnGpus): void {
  for (const name of measured) meters.clear(name)
  for (const standing of gpus.standings()) {
    const gpu = standing.sample.gpu.id
    const row = gpuRow(standing, undefined, preflight?.barOf(gpu))
    for (const state of gpuStates) {
      meters.set('compute_node_gpu_state', { gpu, state }, state === row.state ? 1 : 0)
    }
    const { name, driver = 'none' } = row
    meters.set('compute_node_gpu_info', { gpu, name, driver }, 1)
    const holds = ownFills?.holds(gpu, 'idle') === true || ownFills?.holds(gpu, 'leased') === true
    meters.set('compute_node_gpu_filled', { gpu }, holds ? 1 : 0)
    const { temperatureC, powerW, powerLimitW, utilizationPercent, memoryUsedMiB } = row
    const told = {
      compute_node_gpu_temperature_celsius: temperatureC,
      compute_node_gpu_power_watts: powerW,
      compute_node_gpu_power_limit_watts: powerLimitW,
      compute_node_gpu_utilization_ratio:
        utilizationPercent === null ? null : utilizationPercent / 100,
      compute_node_gpu_memory_used_bytes: memoryUsedMiB === null ? null : memoryUsedMiB * MiB,
      compute_node_gpu_memory_size_bytes: row.vramMiB * MiB,
      compute_node_gpu_memory_errors: row.eccErrors,
    }
    for (const metric of measured) {
      const value = told[metric]
      if (value !== null) meters.set(metric, { gpu }, value)
    }
  }
}

const measured = [
  'compute_node_gpu_temperature_celsius',
  'compute_node_gpu_power_watts',
  'compute_node_gpu_power_limit_watts',
  'compute_node_gpu_utilization_ratio',
  'compute_node_gpu_memory_used_bytes',
  'compute_node_gpu_memory_size_bytes',
  'compute_node_gpu_memory_errors',
] as const

function collectDevices(meters: Meters, capacity: Capacity): void {
  const uses = capacity.all().map((device) => useOf(capacity, device))
  for (const use of deviceUses) {
    meters.set('compute_node_devices', { use }, uses.filter((one) => one === use).length)
  }
  const leased = uses.filter((one) => one === 'let').length
  meters.set('compute_node_let_ratio', none, uses.length === 0 ? 0 : leased / uses.length)
}

function useOf(capacity: Capacity, device: string): (typeof deviceUses)[number] {
  const holder = capacity.holderOf(device)
  if (holder !== undefined) return holder.startsWith(holderOfTurn('')) ? 'turn' : 'let'
  if (capacity.barOf(device) !== undefined) return 'barred'
  return capacity.shutOf(device) === undefined ? 'free' : 'shut'
}
