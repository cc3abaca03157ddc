import { join } from 'node:path'
import type { PaymentRail } from '../chain/payment-rail.ts'
import type { Engine } from '../containers/engine.ts'
import { selectEngine } from '../containers/select-engine.ts'
import { NodeError } from '../errors.ts'
import { createGpuDrivers } from '../gpu/drivers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { devicesIn } from '../gpu/inventory.ts'
import type { Device } from '../protocols/capability.ts'
import { MiB, secondsMs } from '../units.ts'
import type { Core } from './core.ts'
import { createCapacity } from './leases/capacity.ts'
import { createHostBook, type HostBook } from './leases/host-book.ts'
import { detectHost, type Machine } from './machine.ts'
import type { Offers } from './offers.ts'
import { createOwnGpus, type OwnGpus } from './own-gpus.ts'
import { createOwnLimits } from './own-limits.ts'

/** What a miner has, and the leases in it. */
export interface Hosting {
  readonly gpus: OwnGpus
  readonly machine: Machine
  readonly book: HostBook
}

export interface HostingNeeds {
  readonly core: Core
  readonly offers: Offers
  readonly rail?: PaymentRail | undefined
  /** The genesis that an embedded development chain states; undefined elsewhere. */
  readonly embeddedGenesis?: Uint8Array | undefined
  readonly binding?: Machine['binding']
}

/** Finds this machine's GPUs and container engine, and opens the miner's lease book. */
export async function createHosting(
  needs: HostingNeeds,
  stack: AsyncDisposableStack,
): Promise<Hosting> {
  const { core, offers, rail, binding } = needs
  const { config, log } = core
  const drivers = stack.use(createGpuDrivers())
  const first = await drivers.read()
  const gpus = devicesIn(first)
  const engine = await findEngine(needs)
  if (!(engine instanceof NodeError)) stack.defer(() => engine.close())
  const capacity = createCapacity(gpus.map(({ id }) => id))
  const machine: Machine = {
    devices: gpus.map(deviceOf),
    backend: gpus[0]?.backend ?? 'cpu',
    engine: engine instanceof NodeError ? 'none' : engine.kind,
    host: await detectHost(config.dataDir),
    capacity,
    ...(binding === undefined ? {} : { binding }),
  }
  const book = createHostBook({
    ...core,
    log: log.child('host-leases'),
    engine,
    capacity,
    rail,
    memoryMiB: Math.floor(config.leaseMemoryBytes / MiB),
    milliCpus: machine.host.cpuCores * 1000,
    receiptEveryMs: secondsMs(core.net.network === 'local' ? 2 : 10),
    gpuUuid: (device) => gpus.find(({ id }) => id === device)?.uuid,
    stands: (offer) => offers.stands(offer),
    endOnStop: core.net.network === 'local',
  })
  const limits = await createOwnLimits(core)
  return { machine, book, gpus: createOwnGpus({ drivers, first, limits, atMs: core.nowMs() }) }
}

/** The engine, or the error that says why there is none: such a miner refuses leases and still proves its GPUs. */
async function findEngine({ core, embeddedGenesis }: HostingNeeds): Promise<Engine | NodeError> {
  const { config, net, peerId, log } = core
  const devnet =
    embeddedGenesis === undefined
      ? undefined
      : {
          network: net.network,
          genesis: net.genesis,
          embeddedGenesis,
          listen: config.listen,
          admittedPeerIds: config.peers,
        }
  try {
    return await selectEngine({
      choice: config.engine,
      nodeId: peerId,
      stateDir: join(config.dataDir, 'processes'),
      devnet,
      log: log.child('engine'),
    })
  } catch (error) {
    if (!(error instanceof NodeError) || !error.code.startsWith('ENGINE_')) throw error
    log.warn('no-engine', { reason: error.message, next: error.next })
    return error
  }
}

const deviceOf = ({ id, vendor, name, uuid, vramMiB, driver, computeCapability }: Gpu): Device => ({
  id,
  vendor,
  name,
  vramMiB,
  ...(uuid === undefined ? {} : { uuid }),
  ...(driver === undefined ? {} : { driver }),
  ...(computeCapability === undefined ? {} : { computeCapability }),
})
