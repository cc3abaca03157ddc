/** The main module of a prover's process: the only place where a driver is loaded. */
import { openBackend } from './backends.ts'
import { serveProver } from './serve-prover.ts'

serveProver(openBackend)
