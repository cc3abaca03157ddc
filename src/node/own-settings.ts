import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { Core } from './core.ts'

/** Some of the settings; what is absent or undefined stays as it is. */
export type Patch<T> = { readonly [K in keyof T]?: T[K] | undefined }

/** What the owner of this node sets: the options, and over them what was changed while a node ran. */
export interface OwnSettings<T extends object> {
  now(): T
  /** Stores a change, lets it count, and waits for what follows from it. */
  change(patch: Patch<T>): Promise<T>
  /** Calls back after every change, until `signal` aborts. */
  onChange(listener: () => Promise<void>, signal: AbortSignal): void
}

export interface SettingsKind<T extends object> {
  /** Where it is stored: a bucket of the store, and the key in it. */
  readonly bucket: string
  readonly key: string
  /** What the options say. */
  readonly options: T
  /** Judges a part of it, as it was stored. */
  readonly patch: z.ZodType<Patch<T>>
  /** Throws for what contradicts itself as a whole; nothing is stored then. */
  readonly check?: (whole: T) => void
}

/** A change holds until the option that it was made over says something else. */
const storedSchema = z.record(z.string(), z.object({ value: z.unknown(), over: z.unknown() }))
type Stored = Readonly<Record<string, { readonly value?: unknown; readonly over?: unknown }>>

/** Loads what was changed before. */
export async function createOwnSettings<T extends object>(
  { store, log }: Pick<Core, 'store' | 'log'>,
  { bucket: name, key, options, patch: schema, check }: SettingsKind<T>,
): Promise<OwnSettings<T>> {
  const bucket = store.bucket(name)
  const listeners = new Set<() => Promise<void>>()
  const optionOf = (field: string): unknown => options[field as keyof T]
  let changes = stillMade(await load())

  async function load(): Promise<Stored> {
    const bytes = await bucket.get(key)
    if (bytes === undefined) return {}
    try {
      return storedSchema.parse(JSON.parse(Buffer.from(bytes).toString()))
    } catch (error) {
      log.error(`stored-${key}-unreadable`, error)
      return {}
    }
  }

  /** Changes that read as settings and whose option is what it was. */
  function stillMade(stored: Stored): Stored {
    const kept = Object.entries(stored).filter(
      ([field, { value, over }]) =>
        schema.safeParse({ [field]: value }).success && isDeepStrictEqual(over, optionOf(field)),
    )
    return Object.fromEntries(kept)
  }

  const wholeOf = (made: Stored): T => ({
    ...options,
    ...Object.fromEntries(Object.entries(made).map(([field, { value }]) => [field, value])),
  })

  /** One after the other: of two at once neither is lost, and none counts that is not stored. */
  let turn: Promise<unknown> = Promise.resolve()
  function put(patch: Patch<T>): Promise<void> {
    const given = Object.entries(patch).filter(([, value]) => value !== undefined)
    const made = given.map(([field, value]) => [field, { value, over: optionOf(field) }])
    const stored = turn.then(async () => {
      const next = { ...changes, ...(Object.fromEntries(made) as Stored) }
      check?.(wholeOf(next))
      await bucket.put(key, Buffer.from(JSON.stringify(next)))
      changes = next
    })
    turn = stored.catch(() => undefined) // the caller hears of it; the next change still gets its turn
    return stored
  }

  return {
    now: () => wholeOf(changes),
    async change(patch) {
      await put(patch)
      await Promise.all([...listeners].map((listener) => listener()))
      return wholeOf(changes)
    },
    onChange(listener, signal) {
      listeners.add(listener)
      signal.addEventListener('abort', () => listeners.delete(listener), { once: true })
    },
  }
}
