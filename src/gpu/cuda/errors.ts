import { type ErrorCode, NodeError } from '../../errors.ts'

interface Meaning {
  readonly code: ErrorCode
  readonly next: string
}

const outOfMemory: Meaning = {
  code: 'GPU_OUT_OF_MEMORY',
  next: 'nvidia-smi shows what holds the memory of this GPU: end it, or announce less',
}
const noDevice: Meaning = {
  code: 'GPU_DEVICE_MISSING',
  next: 'run nvidia-smi: it must list the GPU; in a container, start it with --gpus',
}
const oldDriver: Meaning = {
  code: 'GPU_DRIVER_OLD',
  next: 'update the NVIDIA driver (nvidia-smi shows its version)',
}
const crashed: Meaning = {
  code: 'GPU_CRASHED',
  next: 'start a new process: this one can no longer use the GPU; look for Xid in the kernel log (dmesg)',
}
const failed: Meaning = {
  code: 'GPU_CUDA_FAILED',
  next: 'run nvidia-smi; if it does not answer either, reload the driver or restart the machine',
}

/** CUresult values that say something a user can act on (cuda.h); all others are GPU_CUDA_FAILED. */
const meanings: ReadonlyMap<number, Meaning> = new Map([
  [2, outOfMemory], // OUT_OF_MEMORY
  [100, noDevice], // NO_DEVICE
  [101, noDevice], // INVALID_DEVICE
  [200, oldDriver], // INVALID_IMAGE
  [209, oldDriver], // NO_BINARY_FOR_GPU
  [218, oldDriver], // INVALID_PTX
  [222, oldDriver], // UNSUPPORTED_PTX_VERSION
  // What sticks to the process: every later call fails too.
  [4, crashed], // DEINITIALIZED
  [46, crashed], // DEVICE_UNAVAILABLE
  [201, crashed], // INVALID_CONTEXT
  [214, crashed], // ECC_UNCORRECTABLE
  [220, crashed], // NVLINK_UNCORRECTABLE
  [700, crashed], // ILLEGAL_ADDRESS
  [702, crashed], // LAUNCH_TIMEOUT
  [709, crashed], // CONTEXT_IS_DESTROYED
  [710, crashed], // ASSERT
  [714, crashed], // HARDWARE_STACK_ERROR
  [715, crashed], // ILLEGAL_INSTRUCTION
  [716, crashed], // MISALIGNED_ADDRESS
  [717, crashed], // INVALID_ADDRESS_SPACE
  [718, crashed], // INVALID_PC
  [719, crashed], // LAUNCH_FAILED
])

/** CUDA_ERROR_NOT_READY: what was asked for is still under way. */
export const NOT_READY = 600

/** What a call of the driver answered, as an error of ours; `name` is the driver's for it, null where it knows none. */
export function cudaError(call: string, result: number, name: string | null): NodeError {
  const { code, next } = meanings.get(result) ?? failed
  return new NodeError(code, `${call}: ${name ?? `CUDA error ${result}`}`, {
    next,
    call,
    cuda: result,
  })
}
