/** What is handed to a WebGPU device, and how it is cut and laid out. */
import type { Bytes } from './hash.ts'
import { WORKGROUP } from './wgsl/kernel.ts'

/** Uniforms of one buffer lie this far apart, the largest alignment a device may ask for (WebGPU §3.6.2). */
export const UNIFORM_STRIDE = 256

/** A kernel with its bindings and the workgroups it takes. */
export interface Job {
  readonly pipeline: GPUComputePipeline
  readonly bindings: GPUBindGroup
  readonly workgroups: readonly [x: number, y: number]
}

/** Bytes that one buffer gives to the result of `read`. */
export interface Piece {
  readonly buffer: GPUBuffer
  /** Both are multiples of 4. */
  readonly at: number
  readonly bytes: number
}

/** A whole buffer, or a part of one. */
export type Binding = GPUBuffer | GPUBufferBinding

/** Workgroups for a list of `count`, in two dimensions, for one ends at 65535 (WebGPU §3.6.2). */
export function listWorkgroups(count: number, each = WORKGROUP): [x: number, y: number] {
  const groups = Math.ceil(count / each)
  const x = Math.min(groups, 32_768)
  return [x, Math.ceil(groups / x)]
}

/** The words of a key or seed of 32 bytes; every platform that Dawn is built for is little-endian, as ChaCha is. */
export const keyWords = (key: Bytes): Uint32Array<ArrayBuffer> =>
  new Uint32Array(Uint8Array.from(key).buffer)

/** The same place of a buffer of uniforms that `uniforms` wrote value `i` to. */
export const uniformAt = (buffer: GPUBuffer, i: number): GPUBufferBinding => ({
  buffer,
  offset: i * UNIFORM_STRIDE,
  size: UNIFORM_STRIDE,
})
