/** What a prover does with any backend: work until told to stop, and open what a public seed picks. */
import type { Backend } from './backend.ts'
import {
  checkStatement,
  type GemmOpenings,
  MAX_STEPS,
  openedRows,
  rowsPerStep,
} from './gemm-proof.ts'
import { type Bytes, concat } from './hash.ts'
import { type Kernels, PAGE_BYTES } from './kernels.ts'
import {
  checkHopStatement,
  firstState,
  type HopOpenings,
  hopKey,
  openHops,
} from './locality-proof.ts'
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

/**
 * Works until `goesOn` says no, which is asked before each step; a chain ends at MAX_STEPS by itself. `onRoot` gets the
 * root of each pass or step, and of the locality chain the state at each checkpoint.
 */
export async function runWork(
  backend: Backend,
  job: WorkJob,
  goesOn: () => boolean | Promise<boolean>,
  onRoot: (root: Bytes) => void,
): Promise<void> {
  const { work, seed } = job
  if (work === 'locality') {
    for (let state = firstState(seed); await goesOn(); ) {
      state = await backend.hops(state, hopKey(seed), job.hops)
      onRoot(state)
    }
    return
  }
  if (work === 'residency') {
    for (let key = seed; await goesOn(); ) {
      const root = await backend.pass(key)
      onRoot(root)
      key = nextPassKey(key, root)
    }
    return
  }
  await backend.startChain(seed)
  for (let step = 0; step < MAX_STEPS && (await goesOn()); step++) onRoot(await backend.step())
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
export function openChain(
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
