/** A prover's process whose backend does what the first byte of a seed says: see `Fault`. */

import { concat, sha256 } from '../../src/bytes.ts'
import { NodeError } from '../../src/errors.ts'
import type { Backend } from '../../src/gpu/backend.ts'
import { u32 } from '../../src/gpu/hash.ts'
import { serveProver } from '../../src/gpu/serve-prover.ts'
import { Fault } from './faults.ts'

const freeze = (): never => {
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

/** A root that tells who made it and when: process id, kind of seed, time in ms. */
const rootOf = (kind: number): Uint8Array => {
  const root = new Uint8Array(32)
  root.set(concat([u32(process.pid), Uint8Array.of(kind)]))
  new DataView(root.buffer).setFloat64(8, Date.now())
  return root
}

function misbehave(kind: number): void {
  if (kind === Fault.exit) {
    process.stderr.write('driver: first\ndriver: lost the device\n')
    process.exit(7)
  }
  if (kind === Fault.abort) process.kill(process.pid, 'SIGABRT')
  if (kind === Fault.freeze) freeze()
  if (kind === Fault.flood) {
    const line = `${'x'.repeat(1023)}\n`.repeat(1024)
    for (let i = 0; i < 64; i++) process.stderr.write(line)
    process.exit(1)
  }
  if (kind === Fault.fail) throw new NodeError('GPU_FULL', 'no memory left', { next: 'buy more' })
  if (kind === Fault.lostThread) throw new NodeError('GPU_CPU_CRASHED', 'a thread ended')
  if (kind === Fault.lostDevice) throw new NodeError('GPU_LOST', 'the device was lost')
  if (kind === Fault.lostDriver) throw new NodeError('GPU_CUDA_FAILED', 'the driver was lost')
  if (kind === Fault.slow) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
}

function faultyBackend(): Backend {
  let n = 0
  let filled: Uint8Array | undefined
  let fillKind = 0
  let kind = 0
  return {
    name: 'cpu',
    device: 'faulty',
    isSoftware: true,
    async prepare(sizes) {
      n = sizes.n
      filled = undefined
    },
    async fill(seed) {
      misbehave(seed[0]!)
      filled = sha256(seed)
      fillKind = seed[0]!
    },
    async pass(key) {
      if (filled === undefined) throw new Error('nothing was filled')
      if (fillKind === Fault.clock) return rootOf(fillKind)
      return sha256(concat([filled, key, u32(n)]))
    },
    openLeaves: async () => ({ leaves: new Uint8Array(0), paths: new Uint8Array(0) }),
    hops: async (state) => state,
    async startChain(seed) {
      kind = seed[0]!
    },
    async step() {
      misbehave(kind)
      return rootOf(kind)
    },
    openRows: async () => freeze(),
    async [Symbol.asyncDispose]() {
      if (kind === Fault.endless) freeze()
    },
  }
}

serveProver(async (device) => {
  if (device.backend === 'cpu') return faultyBackend()
  throw new NodeError('GPU_DRIVER_OLD', `process ${process.pid} cannot open it`)
})
