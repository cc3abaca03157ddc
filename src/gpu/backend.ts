import type { Bytes } from './hash.ts'
import type { OpenedLeaves } from './residency-proof.ts'

/** What can drive a device. */
export type BackendName = 'cpu' | 'cuda' | 'webgpu'

/** How large the proofs of one device are: matrices of n×n int8, and a resident buffer of `bytes`. */
export interface ProofSizes {
  readonly n: number
  readonly bytes: number
}

/** Rows of one matrix of the chain: n bytes each, and 32·log2(n) bytes of siblings each. */
export interface OpenedRows {
  readonly rows: Bytes
  readonly paths: Bytes
}

/** What a backend says of the device that it opened. */
export type OpenedDevice = Pick<Backend, 'device' | 'isSoftware' | 'kernel' | 'notice'>

/** An open device in one line, e.g. `SwiftShader Device (Subzero), software, gemm direct dp4a`. */
export const describeOpened = ({ device, isSoftware, kernel }: OpenedDevice): string =>
  [device, ...(isSoftware ? ['software'] : []), ...(kernel === undefined ? [] : [kernel])].join(
    ', ',
  )

/**
 * One device's arithmetic, whatever drives it: the same seeds and sizes give the same bytes everywhere
 * (gemm-chain.ts, resident-fill.ts and locality-proof.ts define them). It runs in a process of its own (prover-process.ts), one call at a
 * time, and knows no slot, clock or network. Errors are GPU_*.
 */
export interface Backend extends AsyncDisposable {
  readonly name: BackendName
  /** The device as its driver names it. */
  readonly device: string
  /** Software that plays a GPU: proves on local networks alone. */
  readonly isSoftware: boolean
  /** What multiplies its matrices, where there is a choice. */
  readonly kernel?: string
  /** What its owner asked for and it does not do, and why. */
  readonly notice?: string
  /**
   * Allocates, compiles and warms up, so that the first window loses nothing. With the sizes it has, it does nothing;
   * with others it starts over, and fill and chain are gone.
   */
  prepare(sizes: ProofSizes): Promise<void>
  /** Fills the resident buffer from a seed (32 B). */
  fill(seed: Bytes, iterations: number): Promise<void>
  /** One pass over the fill under a key (32 B): its root. */
  pass(key: Bytes): Promise<Bytes>
  /** Leaves of the last pass by their index, with their paths. */
  openLeaves(leaves: readonly number[]): Promise<OpenedLeaves>
  /**
   * The state (16 B) of a locality chain `count` (from 1) dependent hops over the fill after `state`, under a key of
   * 16 B (locality-proof.ts).
   */
  hops(state: Bytes, key: Bytes, count: number): Promise<Bytes>
  /** Makes X_0 of a chain from its seed. A device may work on the next step before it is asked for, unless `ahead` is false. */
  startChain(seed: Bytes, options?: { readonly ahead: boolean }): Promise<void>
  /** The next step of the chain: the root of X_{t+1}. */
  step(): Promise<Bytes>
  /** Rows of the matrix that the last step made. */
  openRows(rows: readonly number[]): Promise<OpenedRows>
}
