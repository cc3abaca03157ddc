import type { BeaconInfo } from '../beacon.ts'
import type { DepositRail } from '../chain/payment-rail.ts'
import { NodeError } from '../errors.ts'
import type { ProofSizes } from '../gpu/backend.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { CPU_ID } from '../gpu/inventory.ts'
import { proofSharePpm } from '../gpu/leased-proofs.ts'
import { planProofs } from '../gpu/plan-proofs.ts'
import type { Announcement } from '../gpu/slot.ts'
import { slotNetworks } from '../gpu/slot-network.ts'
import { firstLook } from '../gpu/telemetry.ts'
import { parseWorkHours } from '../gpu/work-hours.ts'
import type { Device } from '../protocols/capability.ts'
import type { Terms } from '../protocols/terms.ts'
import { MiB, minutesMs, secondsMs } from '../units.ts'
import { announcementOf } from './announced-gpus.ts'
import type { Core } from './core.ts'
import { createDeviceModes, modeOfLease, type ProvingMode, wantedMode } from './device-modes.ts'
import { isEarlierPrice } from './frozen-price.ts'
import { createGpuProvers, type GpuProvers } from './gpu-provers.ts'
import { restoreLeases } from './leases/adopt.ts'
import { type Capacity, createCapacity } from './leases/capacity.ts'
import { followDrain } from './leases/follow-drain.ts'
import { createHostBook, type HostBook } from './leases/host-book.ts'
import type { HostEngine } from './leases/host-engines.ts'
import { type LeaseRoom, leaseRoom, type SharedMachine } from './leases/lease-room.ts'
import { DEFAULT_VOLUME_POLICY } from './leases/volume-records.ts'
import { detectHost, type Machine } from './machine.ts'
import { createMinerChecks, type MinerChecks } from './miner-checks.ts'
import { NO_ENGINE, openEngines } from './miner-engines.ts'
import { DEFAULT_TERMS } from './offer-desk.ts'
import type { Offers } from './offers.ts'
import { createOwnDrain, type OwnDrain } from './own-drain.ts'
import { openDrivers } from './own-drivers.ts'
import { createOwnFills, type OwnFills } from './own-fills.ts'
import { createOwnGpus, type OwnGpus } from './own-gpus.ts'
import { createOwnLimits } from './own-limits.ts'
import { createOwnPolicy, type OwnPolicy } from './own-policy.ts'
import { createOwnPrice, type OwnPrice } from './own-price.ts'
import { createPreflight, type Preflight } from './preflight.ts'
import { createProofRoom, type ProofRoom } from './proof-room.ts'

/** A mode counts after its notice, and a slot that runs ends first: longer means that a prover is stuck. */
const ROOM_MS = minutesMs(5)

/** What a miner has, and the leases in it. */
export interface Hosting {
  readonly gpus: OwnGpus
  /** What proves them. */
  readonly provers: GpuProvers
  /** What must hold before one of them is announced. */
  readonly preflight: Preflight
  readonly machine: Machine
  readonly book: HostBook
  /** Whom it rents to, and how its price moves. */
  readonly policy: OwnPolicy
  /** Whether it takes no new leases. */
  readonly drain: OwnDrain
  /** What it asks for now; undefined where no price is set. */
  readonly price: OwnPrice | undefined
  /** What the proofs of this node hold of its devices. */
  readonly room: ProofRoom
  /** Which of them hold the fill that they must hold before they are announced. */
  readonly ownFills: OwnFills
  /** What its devices are to hold for slots from one on, by the scheduled time of its pulse. */
  readonly toFill: (slotMs: number) => readonly Announcement[]
  /** What its machine lacks besides devices. */
  readonly minerChecks: MinerChecks
}

export interface HostingNeeds {
  readonly core: Core
  readonly offers: Offers
  /** The beacon of slots; undefined where this node proves in none. */
  readonly beacon: BeaconInfo | undefined
  readonly rail?: DepositRail | undefined
  /** The genesis that an embedded development chain states; undefined elsewhere. */
  readonly embeddedGenesis?: Uint8Array | undefined
  readonly binding?: Machine['binding']
  readonly nextBinding?: Machine['nextBinding']
}

/** Finds this machine's GPUs, what proves them and the container engine, and opens the miner's lease book. */
export async function createHosting(
  needs: HostingNeeds,
  stack: AsyncDisposableStack,
): Promise<Hosting> {
  const { core, offers, rail, binding, nextBinding, beacon } = needs
  const { config, net, log, peerId, key, nowMs } = core
  const slots = slotNetworks[net.network]
  const drivers = stack.use(openDrivers(config))
  const first = await drivers.read()
  const { samples } = firstLook(first, core.nowMs())
  const gpus = samples.map(({ gpu }) => gpu)
  const { backend: choice, subgroupMatrix } = config
  const asked = { choice, network: net.network, subgroupMatrix }
  const plans = await planProofs(samples, asked)
  const replan = () =>
    planProofs(
      own.standings().map(({ sample }) => sample),
      asked,
    )
  const provers = createGpuProvers({ core, plans, replan }, stack)
  const preflight = createPreflight({ core, provers, gpus: gpus.map(({ id }) => id) })
  const host = await detectHost(config.dataDir)
  const diskMiB = Math.max(1, Math.min(host.diskMiB, Math.floor(config.leaseDiskBytes / MiB)))
  const whole = (): SharedMachine => ({ ...host, devices: gpus.length })
  const roomOf = (leased: number, machine: SharedMachine = whole()): LeaseRoom => ({
    ...leaseRoom(machine, leased, config.leaseMemoryBytes),
    diskMiB,
  })
  const devices = () => gpus.map((gpu) => deviceOf(gpu, provers.sizesOf(gpu.id)))
  const here = () => ({ host: { ...host, diskMiB }, room: roomOf })
  const engines = await openEngines({ ...needs, gpus, devices, here }, stack)
  const { hosts, machines, farDevices } = engines
  const capacity = createCapacity([...gpus.map(({ id }) => id), ...farDevices], engines.nameOf)
  for (const { name } of machines ?? []) capacity.shut('its engine has not answered yet', name)
  capacity.shut('none of the engines has it', NO_ENGINE)
  const [only] = hosts.all.length === 1 ? hosts.all : []
  const machine: Machine = {
    get devices() {
      return devices()
    },
    get backend() {
      const all = gpus.flatMap(({ id }) => provers.planOf(id) ?? [])
      return all.find((plan) => 'device' in plan)?.device.backend ?? 'none'
    },
    onProofs(listener, signal) {
      provers.onChange(listener, signal)
      ownFills.onChange(listener, signal)
    },
    engine: kindOf(hosts.all[0]!),
    get isolation() {
      return only === undefined ? undefined : isolationOf(only)
    },
    engines: machines,
    host: here().host,
    room: roomOf,
    capacity,
    get modes() {
      return modes
    },
    ...(binding === undefined ? {} : { binding }),
    ...(nextBinding === undefined ? {} : { nextBinding }),
  }
  const room = createProofRoom()
  const policy = await createOwnPolicy(core)
  const drain = await createOwnDrain(core)
  const limits = await createOwnLimits(core)
  const price = await openPrice(core, policy, capacity, stack)
  const book = createHostBook({
    ...core,
    log: log.child('host-leases'),
    engines: hosts,
    capacity,
    rail,
    room: roomOf,
    receiptEveryMs: secondsMs(net.network === 'local' ? 2 : 10),
    creditMs: config.credit,
    graceMs: config.grace,
    maxLeaseMs: DEFAULT_TERMS.maxLeaseMs,
    gpuUuid: (device) => gpus.find(({ id }) => id === device)?.uuid ?? engines.farUuid(device),
    stands: (offer) =>
      offers.stands(offer) ||
      isEarlierPrice(
        offer.payload,
        offers.standing().map(({ payload }) => payload),
      ),
    policy: policy.now,
    drain: drain.now,
    workHours: () => limits.now().workHours.flatMap((text) => parseWorkHours(text) ?? []),
    volumePolicy: {
      totalMiB: Math.floor(config.volumeTotal / MiB),
      maxPerRenter: config.volumeCount,
      maxMiBPerRenter: Math.floor(config.volumeShare / MiB),
      defaultMiB: DEFAULT_VOLUME_POLICY.defaultMiB,
      ttlMs: config.volumeTtl,
    },
    maxSnapshotBytes: config.maxSnapshot,
    endOnStop: net.network === 'local',
    proofSharePpm: proofSharePpm(slots),
    makeRoom: (terms, signal) => makeRoom(room, terms, signal),
  })
  // Before anything is announced: a device that a lease holds is not idle because this node started again.
  await restoreLeases(book)
  await followDrain(book)
  drain.onChange(() => followDrain(book), book.lifetime.signal)
  const namedIn = (gpu: string, mode: ProvingMode): Announcement | undefined => {
    const device = machine.devices.find(({ id }) => id === gpu)
    const owner = { peerId, hotkey: binding?.()?.hotkey ?? key.publicKey }
    if (device === undefined || provers.proverOf(gpu) === undefined) return undefined
    return announcementOf(net, slots, owner, device, mode)
  }
  const ownFills = createOwnFills({ beacon, slots, nowMs, announcementOf: namedIn })
  const modes = createDeviceModes({
    wanted: (gpu) => wantedMode(book.live.values(), capacity.holds, gpu),
    fills: ownFills,
    noticeMs: slots.noticeMs,
    entryMs: slots.entryMs,
    nowMs,
  })
  const toFill = (slotMs: number): Announcement[] =>
    machine.devices.flatMap(({ id }) => {
      const mode = modes.fillOf(id, slotMs)
      return mode === undefined ? [] : (namedIn(id, mode) ?? [])
    })
  function takeIn(gpu: Gpu): void {
    if (gpus.some(({ id }) => id === gpu.id)) return
    gpus.push(gpu)
    preflight.add(gpu.id)
    capacity.bar(gpu.id, preflight.barOf(gpu.id))
    capacity.add(gpu.id)
    log.info('gpu-found', { gpu: gpu.id, name: gpu.name })
    core.events.emit('gpu-found', { gpu: gpu.id, name: gpu.name })
  }
  const own = createOwnGpus({ drivers, first, limits, takeIn, atMs: nowMs() })
  // What was not checked yet is not announced, nor offered.
  for (const { id } of gpus) capacity.bar(id, preflight.barOf(id))
  return {
    machine,
    book,
    policy,
    drain,
    price,
    room,
    provers,
    preflight,
    gpus: own,
    ownFills,
    toFill,
    minerChecks: createMinerChecks({ core }),
  }
}

/** The price follows what is let until the node ends. */
function openPrice(
  core: Core,
  policy: OwnPolicy,
  capacity: Capacity,
  stack: AsyncDisposableStack,
): Promise<OwnPrice> | undefined {
  const { price: perHour, exclusivePrice: exclusivePerHour } = core.config
  if (perHour === undefined) return undefined
  const life = new AbortController()
  stack.defer(() => life.abort())
  const price = { perHour, exclusivePerHour, asset: 'DEV' }
  return createOwnPrice({ core, policy, capacity, price, signal: life.signal })
}

/** A processor has memory enough for both; a GPU's is what the tenant pays for. */
async function makeRoom(room: ProofRoom, terms: Terms, signal: AbortSignal): Promise<void> {
  const mode = modeOfLease(terms)
  for (const gpu of terms.devices.filter((id) => id !== CPU_ID)) {
    if (await room.until(gpu, mode, ROOM_MS, signal)) continue
    throw new NodeError('GPU_BUSY', `the proofs of ${gpu} did not make room in time`, {
      next: 'look into the log for `gpu-not-filled`',
    })
  }
}

const kindOf = ({ engine }: HostEngine): string =>
  engine instanceof NodeError ? 'none' : engine.kind

/** Of one that has answered. */
const isolationOf = ({ name, engine }: HostEngine): Machine['isolation'] =>
  engine instanceof NodeError || (name !== undefined && engine.facts === undefined)
    ? undefined
    : { ...engine.isolation }

/** A device as it is announced; one without sizes is offered and proves nothing. */
const deviceOf = (
  { id, vendor, name, uuid, vramMiB, driver, computeCapability }: Gpu,
  sizes: ProofSizes | undefined,
): Device => ({
  id,
  vendor,
  name,
  vramMiB,
  ...(uuid === undefined ? {} : { uuid }),
  ...(driver === undefined ? {} : { driver }),
  ...(computeCapability === undefined ? {} : { computeCapability }),
  ...(sizes === undefined ? {} : { proofN: sizes.n, proofBytes: sizes.bytes }),
})
