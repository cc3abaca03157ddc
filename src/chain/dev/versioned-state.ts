import { toHex } from '../hex.ts'
import { blake2 } from '../scale.ts'

/** Changes of one block by storage key, hex to hex; null removes. */
export type Changes = ReadonlyMap<string, string | null>

interface Version {
  readonly block: number
  readonly value: string | null
}

/** Storage by block: the newest values, and what a bounded number of past blocks saw. */
export class VersionedState {
  readonly #versions = new Map<string, Version[]>()
  readonly #keepBlocks: number
  /** Removed keys, oldest first, forgotten once no readable block has them. */
  readonly #removed: { readonly block: number; readonly key: string }[] = []
  #oldest: number
  #newest: number

  constructor(block: number, entries: Iterable<readonly [string, string]>, keepBlocks: number) {
    this.#keepBlocks = keepBlocks
    this.#oldest = block
    this.#newest = block
    for (const [key, value] of entries) this.#versions.set(key, [{ block, value }])
  }

  /** The first block whose storage can still be read. */
  get oldest(): number {
    return Math.max(this.#oldest, this.#newest - this.#keepBlocks)
  }

  /** The hex value under a key after `block` (default: the newest), or null. */
  get(key: string, block = this.#newest): string | null {
    return this.#versions.get(key)?.findLast((version) => version.block <= block)?.value ?? null
  }

  /** The keys with a value after `block` that start with `prefix`, sorted. */
  keys(prefix: string, block = this.#newest): string[] {
    const found: string[] = []
    for (const key of this.#versions.keys()) {
      if (key.startsWith(prefix) && this.get(key, block) !== null) found.push(key)
    }
    return found.sort()
  }

  /** Makes the changes of the next block visible and forgets what no readable block needs. */
  apply(block: number, changes: Changes): void {
    this.#newest = block
    const oldest = this.oldest
    for (const [key, value] of changes) {
      const versions = this.#versions.get(key) ?? []
      versions.push({ block, value })
      while (versions.length > 1 && versions[1]!.block <= oldest) versions.shift()
      this.#versions.set(key, versions)
      if (value === null) this.#removed.push({ block, key })
    }
    while (this.#removed[0] !== undefined && this.#removed[0].block <= oldest) {
      this.#forget(this.#removed.shift()!.key)
    }
  }

  /** How many keys are held, for tests of what is forgotten. */
  get size(): number {
    return this.#versions.size
  }

  #forget(key: string): void {
    const last = this.#versions.get(key)?.at(-1)
    if (last?.value === null && last.block <= this.oldest) this.#versions.delete(key)
  }
}

/** A root that commits to all changes so far; no Merkle proofs, but two histories never share it. */
export function nextRoot(previous: string, changes: Changes): string {
  const text = [...changes].sort(([a], [b]) => (a < b ? -1 : 1)).flat()
  return toHex(blake2(Buffer.from(JSON.stringify([previous, ...text]))))
}
