import { listCudaDevices, pickDevice } from '../src/gpu/cuda/devices.ts'
import type { Bench } from './support/bench.ts'
import { measureCuda, usualSizes } from './support/cuda-figures.ts'

export const bench: Bench = {
  name: 'cuda',
  measures:
    'an NVIDIA GPU as a prover (the first that CUDA_VISIBLE_DEVICES leaves), against a copy within it and its data sheet',
  targets: { passToCopy: { atLeast: 0.8 }, commitmentOverheadPercent: { atMost: 10 } },
  async run(progress) {
    const device = pickDevice(await listCudaDevices(), {})
    progress(`${device.name}, compute capability ${device.computeCapability}, ${device.uuid}`)
    const options = { uuid: device.uuid }
    return measureCuda(options, await usualSizes(options))
  },
}
