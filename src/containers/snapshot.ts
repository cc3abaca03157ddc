import type { Readable } from 'node:stream'

/** How to make an image of a container. */
export interface SnapshotOptions {
  /** Name and tag that the archive gives it; the engine of this machine never has an image of that name. */
  readonly tag: string
  /** Whether everything inside stands still meanwhile. */
  readonly pause: boolean
  /** REFUSED_SNAPSHOT_SIZE before anything is written when it is larger. */
  readonly maxBytes: number
  readonly signal: AbortSignal
}

/** An image that lives until it is disposed. */
export interface Snapshot extends AsyncDisposable {
  /** About how large the archive is. */
  readonly aboutBytes: number
  /**
   * Opens it as a tar archive that `docker load` takes; it fails when the engine breaks off. Opened again it has the same
   * bytes, as far as the engine can: whoever goes on in the middle compares what was before.
   */
  open(): Promise<Readable>
}
