import { type ChildProcess, fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { NodeError } from '../../errors.ts'
import { siblingModule } from '../../thread.ts'
import { MiB } from '../../units.ts'
import { driverEnv } from '../driver-env.ts'
import { type Gpu, type GpuFigures, pciId } from '../gpu.ts'
import { withMigSlices } from './mig.ts'
import type { NvmlAnswer, NvmlDevice } from './nvml-devices.ts'
import { NVML, NVML_LIBRARIES } from './nvml-library.ts'
import type { NvmlReply, NvmlRequest } from './nvml-process.ts'
import type { DriverReading, GpuReading, GpuSource } from './source.ts'

export interface NvmlOptions {
  /** By default what drivers read of this process's environment. */
  readonly env?: NodeJS.ProcessEnv | undefined
  /** Libraries to try, in order. Given ones are tried whether or not a driver seems to be loaded. */
  readonly libraries?: readonly string[] | undefined
}

type Asking = NvmlRequest extends infer R
  ? R extends { id: number }
    ? Omit<R, 'id'>
    : never
  : never

/**
 * NVIDIA GPUs through the driver's own library, in a process that is killed when it hangs. One that does not even die
 * (inside the kernel) is left behind, and no second one is sent after it.
 */
export function nvml({ env, libraries }: NvmlOptions = {}): GpuSource {
  let child: ChildProcess | undefined
  let stuck: ChildProcess | undefined
  let nextId = 1

  function start(): ChildProcess {
    const module = fileURLToPath(siblingModule(import.meta.url, 'nvml-process'))
    const started = fork(module, [...(libraries ?? NVML_LIBRARIES)], {
      env: env ?? driverEnv(process.env),
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    started.unref()
    started.channel?.unref()
    const over = (): void => {
      if (child === started) child = undefined
      if (stuck === started) stuck = undefined
    }
    started.once('exit', over)
    started.on('error', () => {
      if (started.pid === undefined) over() // else a message or kill that came too late
    })
    return started
  }

  function giveUp(on: ChildProcess): void {
    if (on.exitCode === null && on.signalCode === null) stuck = on
    if (child === on) child = undefined
    on.kill('SIGKILL')
  }

  function ask(what: Asking, timeoutMs: number): Promise<NvmlReply> {
    if (stuck !== undefined) return Promise.reject(hangs(timeoutMs))
    child ??= start()
    const asked = child
    const request: NvmlRequest = { ...what, id: nextId++ }
    return new Promise<NvmlReply>((resolve, reject) => {
      const ended = (): void => finish(() => reject(crashed()))
      const onReply = (reply: NvmlReply): void => {
        if (reply.id === request.id) finish(() => resolve(reply))
      }
      const timer = setTimeout(() => {
        finish(() => reject(hangs(timeoutMs)))
        giveUp(asked)
      }, timeoutMs)
      const finish = (settle: () => void): void => {
        clearTimeout(timer)
        asked.off('message', onReply).off('exit', ended).off('error', ended)
        settle()
      }
      asked.on('message', onReply).once('exit', ended).once('error', ended)
      asked.send(request, (error) => error !== null && ended())
    })
  }

  return {
    name: 'nvml',
    async read({ timeoutMs }) {
      if (libraries === undefined ? !isDriverLoaded() : libraries.length === 0) return undefined
      const reply = await ask({ ask: 'read' }, timeoutMs)
      if ('absent' in reply) return undefined
      if ('answer' in reply) return readingOf(reply.answer)
      throw failed('error' in reply ? reply.error : meaningOf(reply.code))
    },
    async setPowerLimit({ uuid = '' }, watts) {
      const asking = { ask: 'set-power-limit', uuid, milliwatts: Math.round(watts * 1000) } as const
      const reply = await ask(asking, SET_TIMEOUT_MS)
      if ('code' in reply && reply.code === NVML.success) return
      const reason = 'code' in reply ? meaningOf(reply.code) : 'the driver has gone'
      throw new NodeError('GPU_POWER_LIMIT', `the power limit was not set: ${reason}`, {
        next: 'run the node as root, or set it yourself: nvidia-smi -pl WATTS',
      })
    },
    async [Symbol.asyncDispose]() {
      if (child !== undefined) giveUp(child)
    },
  }
}

const SET_TIMEOUT_MS = 10_000

/** So that machines without NVIDIA's driver start no process to find that out: Linux, then WSL. */
const isDriverLoaded = (): boolean =>
  existsSync('/proc/driver/nvidia/version') || existsSync('/dev/dxg')

const NEXT = 'run nvidia-smi: the driver may need a restart or an update'
const failed = (reason: string): NodeError =>
  new NodeError('GPU_DRIVER_FAILED', `the NVIDIA driver failed: ${reason}`, { next: NEXT })
const hangs = (timeoutMs: number): NodeError =>
  new NodeError('GPU_DRIVER_TIMEOUT', `the NVIDIA driver gave no answer in ${timeoutMs} ms`, {
    next: NEXT,
  })
const crashed = (): NodeError => failed('the process that called it ended')

const meanings = new Map<number, string>([
  [NVML.notSupported, 'this GPU does not support it'],
  [NVML.noPermission, 'this user may not'],
  [NVML.driverNotLoaded, 'the driver is not loaded'],
  [NVML.functionNotFound, 'this driver does not know how'],
  [NVML.gpuIsLost, 'GPU is lost'],
  [NVML.resetRequired, 'GPU requires reset'],
])
const meaningOf = (code: number): string => meanings.get(code) ?? `NVML error ${code}`

/** What NVML says as everybody else reads it. */
export function readingOf({ driver, devices, unnamed }: NvmlAnswer): DriverReading {
  const named = devices.filter(({ uuid, pciBusId }) => uuid !== null && pciBusId !== null)
  const nameless = devices.filter((device) => !named.includes(device))
  return {
    gpus: named.flatMap((device) =>
      withMigSlices(
        [{ ...gpuReading(device, driver), index: device.index, migEnabled: device.migEnabled }],
        device.slices.flatMap(({ uuid, name, memoryTotalBytes }) => {
          if (uuid === null) return []
          const vramMiB = inMiB(memoryTotalBytes) ?? undefined
          return [{ parentIndex: device.index, uuid, profile: profileIn(name), vramMiB }]
        }),
      ),
    ),
    unnamed: [...unnamed, ...nameless.map(({ fault }) => fault)].map(meaningOf),
  }
}

const gpuReading = (device: NvmlDevice, driver: string | null): GpuReading => ({
  gpu: gpuOf(device, driver),
  figures: figuresOf(device),
  ...(device.fault === NVML.success ? {} : { fault: meaningOf(device.fault) }),
})

function gpuOf(device: NvmlDevice, driver: string | null): Gpu {
  const { name, uuid, pciBusId, computeCapability, pcieGen: gen, pcieWidth: width } = device
  return {
    id: pciId(pciBusId!),
    uuid: uuid!,
    vendor: 'nvidia',
    name: name ?? 'NVIDIA GPU',
    vramMiB: inMiB(device.memoryTotalBytes) ?? 0,
    ...(driver === null ? {} : { driver }),
    ...(computeCapability === null ? {} : { computeCapability }),
    ...(gen === null && width === null ? {} : { pcie: { gen, width } }),
  }
}

const figuresOf = (device: NvmlDevice): GpuFigures => ({
  temperatureC: device.temperatureC,
  powerW: inUnits(device.powerMilliwatts),
  powerLimitW: inUnits(device.powerLimitMilliwatts),
  utilizationPercent: device.utilizationPercent,
  memoryUsedMiB: inMiB(device.memoryUsedBytes),
  coreClockMHz: device.coreClockMHz,
  memoryClockMHz: device.memoryClockMHz,
  eccErrors: device.eccErrors,
  lastError: device.xid === null ? null : `Xid ${device.xid}`,
  processes:
    device.processes?.map(({ pid, memoryBytes }) => ({ pid, memoryMiB: inMiB(memoryBytes) })) ??
    null,
})

const inMiB = (bytes: number | null): number | null =>
  bytes === null ? null : Math.floor(bytes / MiB)
const inUnits = (thousandths: number | null): number | null =>
  thousandths === null ? null : thousandths / 1000

/** `NVIDIA H100 80GB HBM3 MIG 3g.40gb` names its profile last. */
const profileIn = (name: string | null): string => /\bMIG (\S+)$/.exec(name ?? '')?.[1] ?? 'slice'
