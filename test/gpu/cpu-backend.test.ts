import { createCpuBackend } from '../../src/gpu/cpu-backend.ts'
import { backendConformance } from '../support/backend-conformance.ts'

backendConformance('the processor in one thread', async () => createCpuBackend())
