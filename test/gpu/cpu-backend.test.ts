import { createCpuBackend } from '../../src/gpu/cpu-backend.ts'
import { backendConformance } from '../support/backend-conformance.ts'

backendConformance('the processor in one thread', async () => createCpuBackend({ threads: 1 }))
// More threads than leaves, and shares of different sizes.
backendConformance('the processor in five threads', async () => createCpuBackend({ threads: 5 }))
