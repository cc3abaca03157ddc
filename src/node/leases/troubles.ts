import type { HostedLease } from './lease-records.ts'

/** What befalls a container that runs, and that its renter is told with the next receipt. */
export interface Troubles {
  /** How often a process in it was killed for want of memory, and when last, unix ms. */
  oomKills: number
  oomAtMs: number | undefined
}

export const noTroubles = (): Troubles => ({
  oomKills: 0,
  oomAtMs: undefined,
})

/** What of it a renter should know now. */
export function troubleNotice(
  { oomKills, oomAtMs }: Troubles,
  { hostPausedAtMs }: Pick<HostedLease, 'hostPausedAtMs'>,
  memoryMiB: number,
): string | undefined {
  const said = [
    ...(hostPausedAtMs === undefined ? [] : ['it is paused from outside, on its host; not billed']),
    ...(oomAtMs === undefined
      ? []
      : [
          `out of memory: more than ${memoryMiB} MiB was needed, a process was killed` +
            ` (${oomKills} so far, last ${new Date(oomAtMs).toISOString().slice(0, 19)}Z)`,
        ]),
  ]
  return said.length === 0 ? undefined : said.join('; ')
}
