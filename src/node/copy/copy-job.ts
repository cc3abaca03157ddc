/** What one copy did; the shape of `cp --json`. */
export interface CopyResult {
  readonly files: number
  readonly folders: number
  readonly links: number
  /** Contents that travelled. */
  readonly bytes: number
  /** Files that were there already: same size and time of change. */
  readonly unchanged: number
  /** What was not copied, and why. */
  readonly left: readonly { readonly path: string; readonly why: string }[]
}

/** Counts while it runs; the same over all connections that one copy takes. */
export class CopyJob {
  files = 0
  folders = 0
  links = 0
  bytes = 0
  unchanged = 0
  /** Of this connection's plan. */
  plannedBytes = 0
  doneBytes = 0
  /** More than this the lease may not write on its disk from the copy's beginning on; undefined where nobody knows. */
  roomBytes: number | undefined
  /** The file that travels now, for people. */
  current = ''
  readonly #left = new Map<string, string>()
  readonly ignores: (path: string) => boolean

  /** `ignores` gets paths below the source, those of folders with a slash at the end. */
  constructor(ignores: (path: string) => boolean = () => false) {
    this.ignores = ignores
  }

  leave(path: string, why: string): void {
    this.#left.set(path, why)
  }

  /** Bytes that came over the wire. */
  travelled(bytes: number): void {
    this.bytes += bytes
    this.doneBytes += bytes
  }

  get result(): CopyResult {
    const { files, folders, links, bytes, unchanged } = this
    const left = [...this.#left].map(([path, why]) => ({ path, why }))
    return { files, folders, links, bytes, unchanged, left }
  }
}
