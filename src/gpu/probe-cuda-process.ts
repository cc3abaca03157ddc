/** Runs in a process of its own (probe-cuda.ts): sends what it found, and ends. */
import { answerParent } from './ask-drivers.ts'
import { listCudaDevices } from './cuda/devices.ts'

await answerParent(() => listCudaDevices())
