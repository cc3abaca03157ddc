/** Runs in a process of its own (probe-adapters.ts): sends what it found, and ends. */
import { codeOf, type ErrorCode, messageOf, NodeError } from '../errors.ts'
import { listWebgpuAdapters, type WebgpuAdapter } from './webgpu-adapters.ts'

export type ProbeAnswer =
  | { readonly adapters: WebgpuAdapter[] }
  | { readonly error: { code: ErrorCode; message: string; next: string | undefined } }

const answer: ProbeAnswer = await listWebgpuAdapters().then(
  (adapters) => ({ adapters }),
  (error: unknown) => ({
    error: {
      code: codeOf(error),
      message: messageOf(error),
      next: error instanceof NodeError ? error.next : undefined,
    },
  }),
)
// Drivers keep threads that would hold the process.
process.send?.(answer, () => process.exit())
