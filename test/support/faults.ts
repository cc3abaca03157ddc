/** First byte of a seed: what the backend of faulty-prover.ts does at each step. */
export const Fault = {
  none: 0,
  /** Writes two lines to stderr and exits with 7. */
  exit: 1,
  abort: 2,
  /** Never returns, in the process's own thread. */
  freeze: 3,
  /** Writes 64 MiB to stderr, then exits. */
  flood: 4,
  /** Throws GPU_FULL. */
  fail: 5,
  /** Takes 20 ms in the process's own thread. */
  slow: 6,
  /** Works, but never lets go of its device. */
  endless: 7,
  /** As a fill: its passes tell when they were made. */
  clock: 8,
  /** Throws what a thread that ended throws. */
  lostThread: 9,
  /** Throws what a device that was lost throws. */
  lostDevice: 10,
  /** Throws what a driver that fails in a way of its own throws. */
  lostDriver: 11,
} as const

export const seedOf = (fault: number): Uint8Array => new Uint8Array(32).fill(fault)

/** What a root of faulty-prover.ts tells. */
export const readRoot = (root: Uint8Array): { pid: number; fault: number; madeMs: number } => {
  const view = new DataView(root.buffer, root.byteOffset)
  return { pid: view.getUint32(0), fault: root[4]!, madeMs: view.getFloat64(8) }
}
