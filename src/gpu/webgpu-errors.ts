/** Errors of Dawn as errors of this program. */
import { type ErrorCode, messageOf, NodeError } from '../errors.ts'

/** What a scope caught, or a pipeline was refused for. */
export function webgpuError(device: string, error: GPUError | GPUPipelineError): NodeError {
  const [code, next] = faultOf(error)
  return new NodeError(code, `${device}: ${error.message.trim()}`, { cause: error, next })
}

function faultOf(error: GPUError | GPUPipelineError): [ErrorCode, next: string] {
  const kind = 'reason' in error ? error.reason : error.constructor.name
  switch (kind) {
    case 'GPUOutOfMemoryError':
      return ['GPU_MEMORY', 'prove less memory, or close what else uses the GPU']
    case 'GPUValidationError':
    case 'validation':
      return ['GPU_INVALID', 'report this as a mistake of the program, with the message']
    default:
      return ['GPU_DRIVER', "update the GPU's driver"]
  }
}

/** A device that is gone; `message` may be empty. */
export const lostError = (device: string, message: string): NodeError =>
  new NodeError('GPU_LOST', `${device} was lost: ${message || 'the driver does not say why'}`, {
    next: "open it again in a new process; look for the driver's messages in the system's log",
  })

/** An adapter that gives no device. */
export const refusedError = (device: string, cause: unknown): NodeError =>
  new NodeError('GPU_DRIVER', `${device} cannot be opened: ${messageOf(cause)}`, {
    cause,
    next: "update the GPU's driver, or close what else uses the GPU",
  })

/** What a lost device answers everything with that waits for it. */
export const isAbort = (error: unknown): boolean =>
  error instanceof Error && error.name === 'AbortError'

/** What a refused pipeline rejects with, beside what scopes catch. */
export const isPipelineError = (error: unknown): error is GPUPipelineError =>
  error instanceof Error && error.name === 'GPUPipelineError'
