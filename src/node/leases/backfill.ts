import type { Ahead } from './queue-eta.ts'

/**
 * What is kept for the first in line that wants more than is free: EASY backfilling, as batch schedulers do it (Lifka,
 * "The ANL/IBM SP scheduling system", 1995). Others may go before it where that does not make it wait longer.
 */
export interface Kept {
  /** From now, when it has all that it wants if nothing ends earlier than agreed. */
  readonly atMs: number
  /** What is free by then and could be its own. */
  readonly devices: ReadonlySet<string>
  /** How many more of those there are than it wants. */
  readonly spare: number
}

/** From now, when each device is free at the latest; undefined: nobody can tell. */
export type FreeInMs = ReadonlyMap<string, number | undefined>

/** What is kept for a request; undefined when nobody can tell when it could have all it wants: nothing idles for that. */
export function keptFor({ devices, count }: Ahead, freeInMs: FreeInMs): Kept | undefined {
  const known = devices
    .flatMap((device) => {
      const ms = freeInMs.get(device)
      return ms === undefined ? [] : [{ device, ms }]
    })
    .toSorted((a, b) => a.ms - b.ms)
  const last = known[count - 1]
  if (last === undefined) return undefined
  const byThen = known.filter(({ ms }) => ms <= last.ms).map(({ device }) => device)
  return { atMs: last.ms, devices: new Set(byThen), spare: byThen.length - count }
}

/** The devices that a request may have of those that are free, without delaying whom `kept` is for; undefined: not enough. */
export function mayHave(
  { devices, count, durationMs }: Ahead,
  free: ReadonlySet<string>,
  kept: Kept | undefined,
): string[] | undefined {
  const own = devices.filter((device) => free.has(device))
  const isKept = (device: string): boolean => kept?.devices.has(device) === true
  const ends = kept === undefined || durationMs <= kept.atMs
  const behind = own.filter(isKept).slice(0, ends ? count : kept.spare)
  const all = ends ? own : [...own.filter((device) => !isKept(device)), ...behind]
  return all.length < count ? undefined : all.slice(0, count)
}

/** What is left of it after somebody took devices for longer. */
export function after(kept: Kept | undefined, taken: readonly string[], durationMs: number) {
  if (kept === undefined || durationMs <= kept.atMs) return kept
  const own = taken.filter((device) => kept.devices.has(device)).length
  return { ...kept, spare: kept.spare - own }
}
