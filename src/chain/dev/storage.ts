import type { Codec } from '@polkadot/types/types'
import { toHex } from '../hex.ts'
import type { Runtime } from './runtime.ts'
import type { Changes, VersionedState } from './versioned-state.ts'

/**
 * Typed reads and writes over the newest state. Writes collect until `take`, so that a block is stored before it is
 * seen; `attempt` drops those of a call that fails.
 */
export class Storage {
  readonly runtime: Runtime
  readonly #state: VersionedState
  #changes = new Map<string, string | null>()

  constructor(runtime: Runtime, state: VersionedState) {
    this.runtime = runtime
    this.#state = state
  }

  codec(section: string, name: string, ...keys: unknown[]): Codec | null {
    const entry = this.runtime.entry(section, name)
    return this.runtime.decode(entry, this.#raw(this.runtime.key(entry, keys)))
  }

  /** The value as polkadot.js' JSON; integers above 2^53 come as hex, so use `bigint` for money. */
  json<T>(section: string, name: string, ...keys: unknown[]): T {
    return (this.codec(section, name, ...keys)?.toJSON() ?? null) as T
  }

  /** Whether a value is stored, the entry's default or another. */
  has(section: string, name: string, ...keys: unknown[]): boolean {
    return this.#raw(this.runtime.key(this.runtime.entry(section, name), keys)) !== null
  }

  number(section: string, name: string, ...keys: unknown[]): number {
    return Number(this.codec(section, name, ...keys)?.toString() ?? 0)
  }

  bigint(section: string, name: string, ...keys: unknown[]): bigint {
    return BigInt(this.codec(section, name, ...keys)?.toString() ?? 0)
  }

  /** Writes a value; null removes the entry. */
  put(section: string, name: string, keys: readonly unknown[], value: unknown): void {
    const entry = this.runtime.entry(section, name)
    const encoded = value === null ? null : this.runtime.encode(entry, value)
    this.#changes.set(this.runtime.key(entry, keys), encoded)
  }

  /** Writes bytes that are already SCALE. */
  putRaw(section: string, name: string, value: string): void {
    this.#changes.set(this.runtime.key(this.runtime.entry(section, name), []), value)
  }

  /** A value outside the metadata, under a key that no entry has; bookkeeping the table does not list. */
  note(key: string): string | null {
    const value = this.#raw(noteKey(key))
    return value === null ? null : Buffer.from(value.slice(2), 'hex').toString()
  }

  putNote(key: string, value: string): void {
    this.#changes.set(noteKey(key), `0x${Buffer.from(value).toString('hex')}`)
  }

  /** The netuids of all subnets, ascending, those of this block included. */
  subnets(): number[] {
    const entry = this.runtime.entry('subtensorModule', 'networksAdded')
    return this.keysUnder('subtensorModule', 'networksAdded')
      .filter((key) => this.runtime.decode(entry, this.#raw(key))?.toJSON() === true)
      .map((key) => Buffer.from(key.slice(-4), 'hex').readUInt16LE())
      .sort((a, b) => a - b)
  }

  /** The storage keys of a map that have a value, or those under its first key; of this block too. */
  keysUnder(section: string, name: string, ...first: unknown[]): string[] {
    const entry = this.runtime.entry(section, name)
    const prefix = toHex(entry.keyPrefix(...first))
    const changed = [...this.#changes.keys()].filter((key) => key.startsWith(prefix))
    const keys = new Set([...this.#state.keys(prefix), ...changed])
    return [...keys].filter((key) => this.#raw(key) !== null)
  }

  /** Runs `work`; when it throws, its writes are undone and the error goes on. */
  attempt<T>(work: () => T): T {
    const before = new Map(this.#changes)
    try {
      return work()
    } catch (error) {
      this.#changes = before
      throw error
    }
  }

  /** The writes so far, which start anew. */
  take(): Changes {
    const changes = this.#changes
    this.#changes = new Map()
    return changes
  }

  #raw(key: string): string | null {
    const changed = this.#changes.get(key)
    return changed === undefined ? this.#state.get(key) : changed
  }
}

const noteKey = (key: string): string => `0x${Buffer.from(`:compute-node:${key}`).toString('hex')}`
