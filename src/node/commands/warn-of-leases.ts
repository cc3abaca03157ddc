import { type DrainState, drainState } from '../leases/drain.ts'
import type { HostBook } from '../leases/host-book.ts'
import { counted } from './counted.ts'

/** What stopping a miner does to the leases it hosts, in words; undefined where there are none. */
export function leasesAtStop(book: HostBook): string | undefined {
  const state = drainState(book)
  if (state.leases === 0) return undefined
  const become = book.endOnStop
    ? 'stopping ends what runs, by this miner’s doing'
    : 'what runs goes on without this node, unbilled, until it is started again'
  return `${running(state)}; ${become}`
}

const running = ({ leases, endsAtMs }: DrainState): string => {
  const until = endsAtMs === null ? '' : `, until ${new Date(endsAtMs).toISOString().slice(0, 19)}Z`
  return `${counted(leases, 'lease')} ${leases === 1 ? 'is' : 'are'} here${until}`
}

/** Says so at a terminal, with what else can be done; false where nothing runs and nothing was said. */
export function warnOfLeases(book: HostBook, stderr: NodeJS.WritableStream): boolean {
  const what = leasesAtStop(book)
  if (what === undefined) return false
  stderr.write(
    `\n${what}\n  Ctrl-C again: stop it all the same\n  compute-node drain: take no new leases, and let these end as agreed\n`,
  )
  return true
}
