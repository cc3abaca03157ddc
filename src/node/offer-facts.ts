import { modelClass, VRAM_STEPS_GIB } from '../protocols/capability.ts'
import type { Network } from '../protocols/network.ts'
import { type Offer, offerId } from '../protocols/offers.ts'
import type { Signed } from '../protocols/signed.ts'
import type { Facts } from '../query/fields.ts'

const HOUR_MS = 3_600_000
const MIB_PER_GIB = 1024

/** What this node knows of an offer's miner from elsewhere; absent means not known. */
export interface Standing {
  readonly score?: number | undefined
  /** Share of its challenges answered well, 0 to 1. */
  readonly reliability?: number | undefined
  readonly verified?: boolean | undefined
  readonly rentable?: boolean | undefined
}

const isCpu = (id: string): boolean => id.startsWith('cpu')
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** An offer under the names of the query language. */
export function factsOf(net: Network, record: Signed<Offer>, standing: Standing = {}): Facts {
  const offer = record.payload
  const { host, terms } = offer
  return {
    id: hex(offerId(net, record)),
    host_id: offer.peerId,
    hotkey: offer.hotkey === undefined ? undefined : hex(offer.hotkey),
    ...gpuFacts(offer),
    cpu_name: host.cpuName,
    cpu_arch: host.cpuArch,
    cpu_cores: host.milliCpus === undefined ? host.cpuCores : host.milliCpus / 1000,
    cpu_ram: rounded(host.ramMiB / MIB_PER_GIB),
    disk_space: rounded(host.diskMiB / MIB_PER_GIB),
    inet_up: host.inetUpMbps,
    inet_down: host.inetDownMbps,
    geolocation: host.country,
    dph: offer.dph,
    exclusive_dph: offer.exclusiveDph,
    asset: offer.asset,
    duration: rounded(terms.maxLeaseMs / HOUR_MS),
    min_duration: rounded(terms.minLeaseMs / HOUR_MS),
    engine: offer.engine,
    runtime: offer.isolation?.runtime,
    fenced: offer.isolation?.fenced,
    disk_quota: offer.isolation?.diskQuota,
    remote: offer.isolation === undefined ? undefined : offer.isolation.remote === true,
    ...standing,
    ...(offer.taken === true ? { rentable: false } : {}),
  }
}

/** Of unlike GPUs the weakest speaks: a query must not promise more than the offer holds. */
function gpuFacts({ devices }: Offer): Facts {
  const gpus = devices.filter(({ id }) => !isCpu(id))
  const first = gpus[0]
  const tops = devices.map(({ measured }) => measured?.mops)
  const measuredTops = tops.every((one) => one !== undefined)
    ? { tops: tops.reduce((sum, mops) => sum + (mops ?? 0), 0) / 1e6 }
    : {}
  if (first === undefined) {
    const names = devices.map(({ name }) => name).join(' ')
    return { gpu_name: `CPU ${names}`, num_gpus: 0, ...measuredTops }
  }
  const ram = gpus.map(({ vramMiB }) => nominalGiB(vramMiB))
  const bandwidth = gpus.map(({ measured }) => measured?.bandwidthMBps)
  return {
    gpu_name: `${first.name} ${modelClass(first.name).replaceAll('-', ' ')}`,
    num_gpus: gpus.length,
    gpu_ram: Math.min(...ram),
    gpu_total_ram: rounded(ram.reduce((a, b) => a + b, 0)),
    gpu_arch: first.vendor,
    compute_cap: first.computeCapability,
    driver_version: first.driver,
    ...measuredTops,
    ...(bandwidth.every((one) => one !== undefined)
      ? { gpu_mem_bw: Math.min(...bandwidth.map((one) => (one ?? 0) / 1000)) }
      : {}),
  }
}

/** 81,559 MiB is sold as 80 GiB: within 2 % of a usual size, that size. */
function nominalGiB(vramMiB: number): number {
  const gib = vramMiB / MIB_PER_GIB
  return VRAM_STEPS_GIB.find((step) => Math.abs(step - gib) <= step * 0.02) ?? rounded(gib)
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000
