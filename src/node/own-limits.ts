import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { GpuLimits, LimitName } from '../gpu/limits.ts'
import { parseWorkHours } from '../gpu/work-hours.ts'
import type { Config } from './config.ts'
import type { Core } from './core.ts'

/** What a limit may be set to; null and an empty list lift it. */
export const limitsSchema = z.strictObject({
  maxTempC: z.int().min(30).max(120).nullable(),
  maxPowerW: z.int().min(1).max(10_000).nullable(),
  maxLoadPercent: z.int().min(1).max(100).nullable(),
  workHours: z
    .array(
      z
        .string()
        .max(64)
        .refine((text) => parseWorkHours(text) !== undefined, 'expected e.g. mon-fri 22:00-06:00'),
    )
    .max(32),
  pauseWhenUsed: z.boolean(),
}) satisfies z.ZodType<GpuLimits>
export const limitsPatch = limitsSchema.partial()
export type LimitsPatch = z.infer<typeof limitsPatch>

/** The limits of this node's owner: the options, and over them what was changed while a node ran. */
export interface OwnLimits {
  now(): GpuLimits
  /** Stores a change, lets it count, and waits for what follows from it. */
  change(patch: LimitsPatch): Promise<GpuLimits>
  /** Calls back after every change, until `signal` aborts. */
  onChange(listener: () => Promise<void>, signal: AbortSignal): void
}

/** A change holds until the option that it was made over says something else. */
const storedSchema = z.record(z.string(), z.object({ value: z.unknown(), over: z.unknown() }))
type Stored = Readonly<Record<string, { readonly value?: unknown; readonly over?: unknown }>>

const KEY = 'limits'

/** The limits that the options set. */
export const limitsOf = (config: Config): GpuLimits => ({
  maxTempC: config.maxTemp ?? null,
  maxPowerW: config.maxPower ?? null,
  maxLoadPercent: config.maxLoad ?? null,
  workHours: config.workHours.filter((range) => range !== 'always'),
  pauseWhenUsed: config.pauseWhenUsed,
})

/** Loads what was changed before. */
export async function createOwnLimits({
  config,
  store,
  log,
}: Pick<Core, 'config' | 'store' | 'log'>): Promise<OwnLimits> {
  const bucket = store.bucket('gpu-limits')
  const options = limitsOf(config)
  const listeners = new Set<() => Promise<void>>()
  let changes = stillMade(await load(), options)

  async function load(): Promise<Stored> {
    const bytes = await bucket.get(KEY)
    if (bytes === undefined) return {}
    try {
      return storedSchema.parse(JSON.parse(Buffer.from(bytes).toString()))
    } catch (error) {
      log.error('stored-limits-unreadable', error)
      return {}
    }
  }

  /** One after the other: of two at once neither is lost, and none counts that is not stored. */
  let turn: Promise<unknown> = Promise.resolve()
  function put(patch: LimitsPatch): Promise<void> {
    const made = Object.entries(patch).map(([name, value]) => [
      name,
      { value, over: options[name as LimitName] },
    ])
    const stored = turn.then(async () => {
      const next = { ...changes, ...(Object.fromEntries(made) as Stored) }
      await bucket.put(KEY, Buffer.from(JSON.stringify(next)))
      changes = next
    })
    turn = stored.catch(() => undefined) // the caller hears of it; the next change still gets its turn
    return stored
  }

  const now = (): GpuLimits => ({
    ...options,
    ...Object.fromEntries(Object.entries(changes).map(([name, { value }]) => [name, value])),
  })

  return {
    now,
    async change(patch) {
      await put(patch)
      await Promise.all([...listeners].map((listener) => listener()))
      return now()
    },
    onChange(listener, signal) {
      listeners.add(listener)
      signal.addEventListener('abort', () => listeners.delete(listener), { once: true })
    },
  }
}

/** Changes that read as limits and whose option is what it was. */
function stillMade(stored: Stored, options: GpuLimits): Stored {
  const kept = Object.entries(stored).filter(
    ([name, { value, over }]) =>
      limitsPatch.safeParse({ [name]: value }).success &&
      isDeepStrictEqual(over, options[name as LimitName]),
  )
  return Object.fromEntries(kept)
}
