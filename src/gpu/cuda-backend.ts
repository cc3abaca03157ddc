import { NodeError } from '../errors.ts'
import type { Backend, ProofSizes } from './backend.ts'
import { CudaChain } from './cuda/chain.ts'
import { CudaDevice } from './cuda/device.ts'
import type { CudaDeviceOptions } from './cuda/devices.ts'
import { CudaFill } from './cuda/resident.ts'

/**
 * One NVIDIA GPU from compute capability 8.0 on, by the driver alone: our kernels travel as PTX, which the driver
 * compiles for its device. n is a power of two from 256 to 32768. Only roots and what is opened are copied back.
 * @throws GPU_BACKEND_MISSING, GPU_DEVICE_MISSING, GPU_UNSUPPORTED, GPU_DRIVER_OLD, GPU_OUT_OF_MEMORY, GPU_CUDA_FAILED
 */
export async function createCudaBackend(options: CudaDeviceOptions = {}): Promise<Backend> {
  await using opened = new AsyncDisposableStack() // undone when anything of this fails
  const device = opened.use(await CudaDevice.open(options))
  const streams: number[] = []
  opened.defer(() => device.release({ streams }))
  streams.push(device.stream())
  streams.push(device.stream(true))
  const [stream, hashStream] = streams as [number, number]
  let sizes: ProofSizes | undefined
  let resident: CudaFill | undefined
  let chain: CudaChain | undefined

  const release = async (): Promise<void> => {
    const parts = [resident, chain]
    sizes = undefined
    resident = undefined
    chain = undefined
    try {
      await device.idle(streams) // the last product of a chain may be under way
    } finally {
      for (const part of parts) part?.release()
    }
  }
  opened.defer(release)
  const owned = opened.move()
  const prepared = <Part>(part: Part | undefined): Part => {
    if (part === undefined) throw new NodeError('GPU_NOT_STARTED', 'nothing was prepared')
    return part
  }

  return {
    name: 'cuda',
    device: device.facts.name,
    isSoftware: false,
    async prepare(wanted) {
      if (wanted.n === sizes?.n && wanted.bytes === sizes.bytes) return
      await release()
      try {
        chain = new CudaChain(device, { stream, hashStream }, wanted.n)
        resident = new CudaFill(device, stream, wanted.bytes)
        await chain.warmUp()
        await resident.warmUp()
        sizes = { ...wanted }
      } catch (error) {
        await release()
        throw error
      }
    },
    fill: async (seed, iterations) => prepared(resident).fill(seed, iterations),
    pass: async (key) => prepared(resident).pass(key),
    openLeaves: async (leaves) => prepared(resident).openLeaves(leaves),
    hops: async (state, key, count) => prepared(resident).hops(state, key, count),
    startChain: async (seed, options) => prepared(chain).start(seed, options),
    step: async () => prepared(chain).step(),
    openRows: async (rows) => prepared(chain).openRows(rows),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
