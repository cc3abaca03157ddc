/** What a prover does with any backend: work until told to stop, and open what a public seed picks. */

import { concat } from '../bytes.ts'
import type { Backend } from './backend.ts'
import {
  checkStatement,
  type GemmOpenings,
  MAX_STEPS,
  openedRows,
  rowsPerStep,
} from './gemm-proof.ts'
import type { Bytes } from './hash.ts'
import { type Kernels, PAGE_BYTES } from './kernels.ts'
import {
  checkHopStatement,
  firstState,
  type HopOpenings,
  hopKey,
  openHops,
} from './locality-proof.ts'
import { Pacer } from './pacer.ts'
import type { OpenHopsJob, OpenPagesJob, OpenRowsJob, WorkJob } from './prover.ts'
import {
  checkPassStatement,
  joinPassOpenings,
  type OpenedLeaves,
  openedPages,
  type PassOpenings,
  passKeys,
} from './residency-proof.ts'
import { nextPassKey, PAGES_PER_LEAF } from './resident-fill.ts'

/** Whether work goes on, asked before each step; it says so once the rest that the job's duty asks for is over. */
export type GoesOn = (restMs: number) => boolean | Promise<boolean>

/**
 * Works until `goesOn` says no; a chain ends at MAX_STEPS by itself. `onRoot` gets the root of each pass or step, and of
 * the locality chain the state at each checkpoint. A duty below 1 makes it rest between steps, and nothing is made ahead
 * then: a rest is one for the device, too.
 */
export async function runWork(
  backend: Backend,
  job: WorkJob,
  goesOn: GoesOn,
  onRoot: (root: Bytes) => void,
  nowMs: () => number = () => performance.now(),
): Promise<void> {
  const { work, seed, duty = 1 } = job
  const next = paced(duty, goesOn, nowMs)
  if (work === 'locality') {
    for (let state = firstState(seed); await next.goesOn(); ) {
      const before = state
      state = await next.timed(() => backend.hops(before, hopKey(seed), job.hops))
      onRoot(state)
    }
    return
  }
  if (work === 'residency') {
    for (let key = seed; await next.goesOn(); ) {
      const root = await next.timed(() => backend.pass(key))
      onRoot(root)
      key = nextPassKey(key, root)
    }
    return
  }
  await next.timed(() => backend.startChain(seed, { ahead: duty === 1 }))
  for (let step = 0; step < MAX_STEPS && (await next.goesOn()); step++) {
    onRoot(await next.timed(() => backend.step()))
  }
}

/** Asks whether work goes on with the rest that what it did before calls for. */
function paced(duty: number, goesOn: GoesOn, nowMs: () => number) {
  const pacer = new Pacer(duty)
  let restMs = 0
  return {
    async timed<T>(step: () => Promise<T>): Promise<T> {
      const startedMs = nowMs()
      const made = await step()
      restMs = pacer.worked(nowMs() - startedMs)
      return made
    },
    async goesOn(): Promise<boolean> {
      if (restMs === 0) return goesOn(0)
      const startedMs = nowMs()
      const on = await goesOn(restMs)
      pacer.rested(nowMs() - startedMs)
      return on
    },
  }
}

/** Runs a chain again and copies out the rows that the open seed picks; throws RangeError on a bad statement. */
export async function openRows(
  backend: Backend,
  kernels: Kernels,
  { statement, counts, limits }: OpenRowsJob,
): Promise<GemmOpenings> {
  const { n, steps, seed, openSeed } = statement
  const bad = checkStatement(statement, limits)
  if (bad !== null) throw new RangeError(`such a chain cannot be opened: ${bad}`)
  const r = rowsPerStep(steps, limits)
  const roots: Bytes[] = []
  const rows: Bytes[] = []
  const paths: Bytes[] = []
  await backend.startChain(seed)
  for (let step = 1; step <= steps; step++) {
    roots.push(await backend.step())
    const opened = await backend.openRows(openedRows(kernels, openSeed, step, r, n))
    rows.push(opened.rows)
    paths.push(opened.paths)
  }
  return { counts, roots: concat(roots), rows: concat(rows), paths: concat(paths) }
}

/** Picks the opened segments of a locality chain out of its states; throws RangeError on a bad statement. */
export function openHopChain(
  kernels: Kernels,
  { statement, counts, states, limits }: OpenHopsJob,
): HopOpenings {
  const bad = checkHopStatement(statement, limits)
  if (bad !== null) throw new RangeError(`such a chain of hops cannot be opened: ${bad}`)
  return openHops(kernels, statement, counts, states)
}

/** Runs the picked passes again and copies out the leaves of the picked pages; throws RangeError on a bad statement. */
export async function openPages(
  backend: Backend,
  kernels: Kernels,
  { statement, counts, roots, limits }: OpenPagesJob,
): Promise<PassOpenings> {
  const { bytes, passes, passSeed, openSeed } = statement
  const bad = checkPassStatement(statement, limits)
  if (bad !== null) throw new RangeError(`such passes cannot be opened: ${bad}`)
  const keys = passKeys(passSeed, roots)
  const picked = openedPages(kernels, openSeed, passes, bytes / PAGE_BYTES, limits)
  const opened: OpenedLeaves[] = []
  for (const [pass, pages] of Map.groupBy(picked, ({ pass }) => pass)) {
    await backend.pass(keys[pass]!)
    opened.push(
      await backend.openLeaves(pages.map(({ page }) => Math.floor(page / PAGES_PER_LEAF))),
    )
  }
  return joinPassOpenings(counts, roots, opened)
}
