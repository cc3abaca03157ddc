/** Runs in a process of its own (probe-adapters.ts): sends what it found, and ends. */
import { answerParent } from './ask-drivers.ts'
import { listWebgpuAdapters } from './webgpu-adapters.ts'

await answerParent(() => listWebgpuAdapters())
