import { codeOf, messageOf, NodeError } from '../../errors.ts'
import { leaseProtocol } from '../../protocols/lease.ts'
import { openTerms } from '../../protocols/terms.ts'
import type { AskedVolume, VolumeStatus } from '../../protocols/volumes.ts'
import type { RentBook } from './rent-book.ts'

/** A volume of this node and the miner that keeps it. */
export interface FoundVolume extends VolumeStatus {
  readonly miner: string
}

/** A miner that did not say what it keeps. */
export interface SilentMiner {
  readonly miner: string
  readonly code: string
  readonly reason: string
}

/** The miners that leases of this node had volumes on, with the names. */
async function minersOf(book: RentBook): Promise<Map<string, Set<string>>> {
  const miners = new Map<string, Set<string>>()
  for (const lease of await book.records.all()) {
    const { miner, volumes = [] } = openTerms(book.net, lease.minerTerms, 'miner').payload
    if (volumes.length === 0) continue
    const names = miners.get(miner) ?? new Set()
    for (const { name } of volumes) names.add(name)
    miners.set(miner, names)
  }
  return miners
}

async function ask(
  book: RentBook,
  miner: string,
  request: { kind: 'volumes' } | { kind: 'remove-volume'; name: string } = { kind: 'volumes' },
): Promise<FoundVolume[]> {
  const answer = await book.rpc.ask(leaseProtocol, miner, request)
  if (answer.kind === 'volumes') return answer.volumes.map((volume) => ({ ...volume, miner }))
  throw new NodeError('BAD_MESSAGE', 'no volumes where they belong')
}

/** What all miners keep of this node, as they say it now. */
export async function findVolumes(
  book: RentBook,
): Promise<{ readonly found: readonly FoundVolume[]; readonly silent: readonly SilentMiner[] }> {
  const found: FoundVolume[] = []
  const silent: SilentMiner[] = []
  const asking = [...(await minersOf(book)).keys()].map(async (miner) => {
    try {
      found.push(...(await ask(book, miner)))
    } catch (error) {
      silent.push({ miner, code: codeOf(error), reason: messageOf(error) })
    }
  })
  await Promise.all(asking)
  return { found: found.toSorted((a, b) => a.name.localeCompare(b.name)), silent }
}

const stands = ({ removed }: VolumeStatus): boolean => removed === undefined

/**
 * The miners on which a lease with these volumes must be: those that keep one of them. Undefined: any, for none is kept.
 * @throws PEER_* when a miner that kept one does not answer: elsewhere there would be another, empty one of its name
 */
export async function volumeHomes(
  book: RentBook,
  asked: readonly AskedVolume[],
): Promise<ReadonlySet<string> | undefined> {
  if (asked.length === 0) return undefined
  const homes = new Set<string>()
  for (const [miner, names] of await minersOf(book)) {
    if (!asked.some(({ name }) => names.has(name))) continue
    const kept = await ask(book, miner).catch((cause: unknown) => {
      throw away(miner, cause)
    })
    if (kept.some((one) => stands(one) && asked.some(({ name }) => name === one.name))) {
      homes.add(miner)
    }
  }
  return homes.size === 0 ? undefined : homes
}

const away = (miner: string, cause: unknown): NodeError =>
  new NodeError(
    'PEER_UNREACHABLE',
    `the miner that kept this volume does not say whether it still does: ${messageOf(cause)}`,
    { cause, miner, next: 'try again later, or use another name: a new volume' },
  )

/**
 * Removes a volume, on the miner that is named or the only one that has it.
 * @throws NOTHING_MATCHED when there is none; BAD_CONFIG_VOLUME when several miners have one; the miner's refusal
 */
export async function dropVolume(
  book: RentBook,
  name: string,
  named: string | undefined,
): Promise<FoundVolume> {
  const miner = named ?? (await onlyHome(book, name))
  const left = await ask(book, miner, { kind: 'remove-volume', name })
  const removed = left.find((volume) => volume.name === name && !stands(volume))
  if (removed !== undefined) return removed
  throw new NodeError('BAD_MESSAGE', 'the miner does not say that it is removed')
}

async function onlyHome(book: RentBook, name: string): Promise<string> {
  const { found, silent } = await findVolumes(book)
  const fitting = found.filter((volume) => volume.name === name && stands(volume))
  if (fitting.length === 1) return fitting[0]!.miner
  if (fitting.length > 1) {
    throw new NodeError('BAD_CONFIG_VOLUME', `${fitting.length} miners have a volume ${name}`, {
      next: `say which: compute-node volumes rm ${name} PEERID`,
    })
  }
  const unsure = silent.length === 0 ? '' : `; ${silent.length} miners do not answer`
  throw new NodeError('NOTHING_MATCHED', `there is no volume ${name}${unsure}`, {
    next: 'compute-node volumes lists them',
  })
}
