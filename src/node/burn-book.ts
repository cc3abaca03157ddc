import { z } from 'zod'
import type { Chain } from '../chain/chain.ts'
import type { BurnReading } from '../chain/chain-earnings.ts'
import { cborCodec } from '../protocols/codec.ts'
import { integer, text } from '../protocols/fields.ts'
import { KiB } from '../units.ts'
import type { Core } from './core.ts'

/** Alpha that was burned on hotkeys, by the events of blocks, for as long as scores look back. */
export interface BurnBook {
  /** Reads blocks up to the newest final one, and some of those before that are missing; never twice at once. */
  follow(chain: Pick<Chain, 'burnedAlpha'>, head: number): Promise<void>
  /** Base units by hotkey (SS58) of the blocks `from` to `to`; undefined where one of them was not read. */
  between(from: number, to: number): ReadonlyMap<string, bigint> | undefined
}

export interface BurnBookNeeds extends Pick<Core, 'store' | 'log'> {
  readonly netuid: number
  /** How far scores look back. */
  readonly blocks: number
}

/** Blocks read in a turn: two requests each. */
const PER_TURN = 64
/** More hotkeys than a subnet has: what a block burned beyond them is left out, the same by everybody. */
const MAX_HOTKEYS = 1024

const count = integer(0, Number.MAX_SAFE_INTEGER)
const rangeCodec = cborCodec(z.looseObject({ from: count, to: count }), KiB)
const blockCodec = cborCodec(
  z.looseObject({ burned: z.array(z.tuple([text(64), text(20)])).max(MAX_HOTKEYS) }),
  128 * KiB,
)
type Burned = ReadonlyMap<string, bigint>
const RANGE = 'range'

/**
 * Loads what was read before this node stopped. What is known is one run of blocks without a gap, written before it
 * counts; where the endpoint has dropped older states it grows with the chain, until it is as long as scores look back.
 */
export async function createBurnBook({
  store,
  log,
  netuid,
  blocks,
}: BurnBookNeeds): Promise<BurnBook> {
  const bucket = store.bucket(`burned-alpha-${netuid}`)
  const known = new Map<number, Burned>()
  let range = { from: 0, to: -1 }
  /** Blocks before it are lost to this endpoint. */
  let floor = 0

  try {
    for await (const [key, bytes] of bucket.iterator()) {
      if (key === RANGE) range = rangeCodec.decode(bytes)
      else known.set(Number(key), burnedOf(blockCodec.decode(bytes).burned))
    }
  } catch (error) {
    log.error('stored-burns-unreadable', error)
    known.clear()
    range = { from: 0, to: -1 }
    await bucket.clear()
  }

  async function add(reading: BurnReading, next: typeof range): Promise<void> {
    const byBlock = Map.groupBy(
      reading.burns.filter(({ kind }) => kind === 'burned'),
      ({ block }) => block,
    )
    for (const [block, burns] of byBlock) {
      const all = sums(burns.map(({ hotkey, alpha }) => [hotkey, alpha] as const))
      const burned = new Map([...all].slice(0, MAX_HOTKEYS))
      known.set(block, burned)
      const told = [...burned].map(([hotkey, alpha]): [string, string] => [hotkey, String(alpha)])
      await bucket.put(String(block), blockCodec.encode({ burned: told }))
    }
    for (const block of [...known.keys()].filter((one) => one < next.from)) {
      known.delete(block)
      await bucket.del(String(block))
    }
    await bucket.put(RANGE, rangeCodec.encode(next))
    range = next
  }

  /** Newer blocks first come first: a gap cannot be filled later where states are dropped. */
  async function forward(chain: Pick<Chain, 'burnedAlpha'>, head: number): Promise<void> {
    const asked = { from: range.to + 1, to: Math.min(head, range.to + PER_TURN) }
    const reading = await chain.burnedAlpha(netuid, asked)
    const isWhole = reading.from <= asked.from
    await add(reading, { from: isWhole ? range.from : reading.from, to: asked.to })
  }

  async function backward(chain: Pick<Chain, 'burnedAlpha'>, oldest: number): Promise<void> {
    const asked = { from: Math.max(oldest, range.from - PER_TURN), to: range.from - 1 }
    const reading = await chain.burnedAlpha(netuid, asked)
    if (reading.from > asked.from) floor = reading.from
    await add(reading, { from: reading.from, to: range.to })
  }

  return {
    async follow(chain, head) {
      const oldest = Math.max(1, head - blocks + 1)
      if (range.to < oldest) {
        floor = 0
        range = { from: head + 1, to: head }
      }
      if (range.to < head) await forward(chain, head)
      else if (range.from > Math.max(oldest, floor)) await backward(chain, oldest)
      if (range.from < oldest) await add({ ...range, burns: [] }, { from: oldest, to: range.to })
    },
    between(from, to) {
      if (from < range.from || to > range.to || from > to) return undefined
      const inside = [...known].filter(([block]) => block >= from && block <= to)
      return sums(inside.flatMap(([, burned]) => [...burned]))
    },
  }
}

const burnedOf = (told: readonly (readonly [string, string])[]): Burned =>
  new Map(told.map(([hotkey, alpha]) => [hotkey, BigInt(alpha)]))

function sums(all: readonly (readonly [string, bigint])[]): Burned {
  const found = new Map<string, bigint>()
  for (const [hotkey, alpha] of all) found.set(hotkey, (found.get(hotkey) ?? 0n) + alpha)
  return found
}
