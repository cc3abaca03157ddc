import { siblingModule } from '../thread.ts'
import { MiB } from '../units.ts'
import { askDrivers } from './ask-drivers.ts'
import type { BackendDevice } from './backends.ts'
import { CudaDevice } from './cuda/device.ts'
import type { Handle } from './cuda/driver.ts'
import { deviceEnv } from './pin-device.ts'
import { openAdapter } from './webgpu-adapters.ts'
import { WebgpuDevice } from './webgpu-device.ts'
import { loadWebgpu } from './webgpu-module.ts'

const TIMEOUT_MS = 60_000
const COPY_BYTES = 64 * MiB
const COPIES = 8
/** A link that was idle sleeps, and an H100's first round was half as fast as its later ones; the best counts. */
const ROUNDS = 4

/**
 * How fast a device gets bytes from the machine's memory, GB/s, measured in a process of its own: by CUDA from pinned
 * memory, by WebGPU with the copy that it makes first. Null for the processor, which has no link.
 * @throws GPU_* when it does not open, or has no 64 MiB left
 */
export async function measureLink(device: BackendDevice): Promise<number | null> {
  if (device.backend === 'cpu') return null
  return await askDrivers<number>({
    module: siblingModule(import.meta.url, 'measure-link-process'),
    args: [JSON.stringify(device)],
    env: deviceEnv(device),
    timeoutMs: TIMEOUT_MS,
    next: 'update the driver of this GPU',
  })
}

/** The same in this process. */
export async function linkOf(device: BackendDevice, library?: string): Promise<number> {
  if (device.backend === 'cuda') {
    const named = { uuid: device.uuid, ...(library === undefined ? {} : { library }) }
    return await cudaLink(await CudaDevice.open(named))
  }
  const adapter = device.backend === 'webgpu' ? device.adapter : undefined
  return await webgpuLink(await WebgpuDevice.open(await openAdapter(await loadWebgpu(), adapter)))
}

const rate = (ms: number): number => (COPIES * COPY_BYTES) / ms / 1e6

/** By the device's own clock. */
async function cudaLink(opened: CudaDevice): Promise<number> {
  await using device = opened
  const held = { memory: [] as Handle[], streams: [] as Handle[], events: [] as Handle[] }
  const host = device.pin(COPY_BYTES)
  try {
    held.memory.push(device.allocate(COPY_BYTES))
    held.streams.push(device.stream())
    held.events.push(device.event(), device.event())
    const [memory, stream] = [held.memory[0]!, held.streams[0]!]
    const [from, to] = held.events as [Handle, Handle]
    const roundMs = async (): Promise<number> => {
      device.record(from, stream)
      for (let i = 0; i < COPIES; i++) device.upload(stream, memory, host, COPY_BYTES)
      device.record(to, stream)
      await device.wait(to)
      return device.elapsedMs(from, to)
    }
    let bestMs = await roundMs()
    for (let i = 1; i < ROUNDS; i++) bestMs = Math.min(bestMs, await roundMs())
    return rate(bestMs)
  } finally {
    await device.idle(held.streams)
    device.release(held)
    device.unpin(host)
  }
}

async function webgpuLink(opened: WebgpuDevice): Promise<number> {
  await using device = opened
  return await device.call(async () => {
    const buffer = await device.allocate(COPY_BYTES)
    const words = new Uint32Array(COPY_BYTES / 4).fill(7)
    device.write(buffer, words)
    await device.finish()
    const startedMs = performance.now()
    for (let i = 0; i < COPIES; i++) {
      device.write(buffer, words)
      await device.finish()
    }
    return rate(performance.now() - startedMs)
  })
}
