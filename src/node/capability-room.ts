import type { Capability } from '../protocols/capability.ts'
import type { Signed } from '../protocols/signed.ts'

/** Whose places a peer's record takes: the hotkey that bound it; undefined for a stranger. */
export type RecordOwner = (record: Signed<Capability>) => string | undefined

export interface RoomNeeds {
  /** In the order they came. */
  readonly records: ReadonlyMap<string, Signed<Capability>>
  /** Records kept at most. */
  readonly places: number
  readonly ownerOf: RecordOwner
  readonly nowMs: number
}

/**
 * The peers whose records go for a newcomer's; undefined when it has no right to room. Expired ones go first. Then a
 * peer that a hotkey bound takes the place of a stranger, the one who came last: a flood came after the honest. Among
 * bound peers whoever has most gives way; strangers take nobody's place.
 */
export function roomFor(newcomer: Signed<Capability>, needs: RoomNeeds): string[] | undefined {
  const { records, places, ownerOf, nowMs } = needs
  if (records.size < places) return []
  const kept = [...records].toReversed()
  const expired = kept.filter(([, { payload }]) => payload.expiresAtMs <= nowMs)
  if (expired.length > 0) return expired.map(([peerId]) => peerId)
  const owner = ownerOf(newcomer)
  if (owner === undefined) return undefined
  const byOwner = Map.groupBy(kept, ([, record]) => ownerOf(record))
  const stranger = byOwner.get(undefined)?.[0]
  if (stranger !== undefined) return [stranger[0]]
  const most = [...byOwner.values()].reduce((a, b) => (b.length > a.length ? b : a))
  const own = byOwner.get(owner)?.length ?? 0
  return most.length > own + 1 ? [most[0]![0]] : undefined
}
