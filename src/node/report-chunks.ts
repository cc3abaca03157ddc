import { hash } from 'node:crypto'
import { MAX_CHUNKS, MAX_ROWS } from '../protocols/attestations.ts'
import { encodeCbor } from '../protocols/codec.ts'
import { KiB } from '../units.ts'

/** Bytes of rows in one chunk; what stands around them fits beside it in a record of 64 KiB. */
const CHUNK_BYTES = 60 * KiB

/** What of a row says whose device it is about. */
interface Row {
  readonly miner: string
  readonly gpu: string
}

/**
 * Rows about a slot in as few chunks as fit, 64 at most: some 9000 devices. Of more, the first device of every miner has
 * a place before the second of any, so that one with very many costs nobody else a place; which devices are first
 * changes from slot to slot, and is the same for every validator. Whoever is left out is unknown in that slot, not silent.
 */
export function chunksOf<T extends Row>(slot: number, rows: readonly T[]): T[][] {
  const chunks = cut(rows)
  return chunks.length <= MAX_CHUNKS ? chunks : cut(inTurns(slot, rows)).slice(0, MAX_CHUNKS)
}

/** Miners choose how long their names are, so both rows and bytes are counted. */
function cut<T>(rows: readonly T[]): T[][] {
  const chunks: T[][] = []
  let left = 0
  for (const row of rows) {
    const size = encodeCbor(row).length
    const last = chunks.at(-1)
    if (last === undefined || last.length >= MAX_ROWS || size > left) {
      chunks.push([row])
      left = CHUNK_BYTES - size
    } else {
      last.push(row)
      left -= size
    }
  }
  return chunks
}

/** A device of every miner, then a second of every miner that has two, and so on; drawn by the slot's number. */
function inTurns<T extends Row>(slot: number, rows: readonly T[]): T[] {
  const drawn = rows
    .map((row) => ({ row, lot: hash('sha256', `${slot}/${row.miner}/${row.gpu}`) }))
    .toSorted((a, b) => (a.lot < b.lot ? -1 : 1))
  const turns: T[][] = []
  const had = new Map<string, number>()
  for (const { row } of drawn) {
    const turn = had.get(row.miner) ?? 0
    had.set(row.miner, turn + 1)
    turns[turn] ??= []
    turns[turn].push(row)
  }
  return turns.flat()
}
