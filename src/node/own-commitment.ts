import type { BlockRef } from '../chain/block-ref.ts'
import type { Chain } from '../chain/chain.ts'
import type { Hotkey } from '../chain/keys.ts'
import type { TxResult } from '../chain/transaction.ts'
import { NodeError } from '../errors.ts'
import { type BindingCommitment, decodeCommitment, encodeCommitment } from '../protocols/binding.ts'
import { NOBODY } from '../protocols/binding-sheet.ts'
import { NO_RECORDS } from '../protocols/records-tree.ts'

/** A commitment and the block that holds it. */
export type CommitmentAt = BindingCommitment & { readonly block: number }

/** What every hotkey of a subnet committed to, by SS58 address; data of other programs is left out. */
export async function readCommitments(
  chain: Chain,
  netuid: number,
  at?: BlockRef,
): Promise<ReadonlyMap<string, CommitmentAt>> {
  const found = await chain.commitments(netuid, at)
  return new Map(
    [...found].flatMap(([hotkey, { bytes, block }]) => {
      const commitment = decodeCommitment(bytes)
      return commitment === undefined ? [] : [[hotkey, { ...commitment, block }] as const]
    }),
  )
}

/** What a hotkey committed to at the newest final block; undefined when nothing, or nothing of this program's. */
export const readCommitment = async (
  chain: Chain,
  netuid: number,
  address: string,
): Promise<CommitmentAt | undefined> => (await readCommitments(chain, netuid)).get(address)

/** The next commitment of a hotkey: what does not change is kept, the sequence number grows. */
export const nextCommitment = (
  before: BindingCommitment | undefined,
  change: Partial<Pick<BindingCommitment, 'bindingsRoot' | 'recordsRoot'>>,
  nowMs: number,
): BindingCommitment => ({
  seq: Math.max((before?.seq ?? 0) + 1, nowMs),
  bindingsRoot: change.bindingsRoot ?? before?.bindingsRoot ?? NOBODY,
  recordsRoot: change.recordsRoot ?? before?.recordsRoot ?? NO_RECORDS,
})

/** What one commitment changes, and what it must stand on. */
export interface CommitmentChange {
  readonly chain: Chain
  readonly netuid: number
  readonly hotkey: Hotkey
  /** What the change was made from: when the chain holds other roots by now, nothing is sent. */
  readonly before: BindingCommitment | undefined
  readonly roots: Partial<Pick<BindingCommitment, 'bindingsRoot' | 'recordsRoot'>>
  /** Called with what is about to be sent, so that a crash loses nothing. */
  readonly keep?: (next: BindingCommitment) => Promise<void>
}

/**
 * Commits on top of what the chain holds, waits until that is final, and looks whether another machine with the same
 * hotkey committed at the same time.
 * @throws CHAIN_CHANGED when the chain holds other roots than `before`: nothing was sent; CHAIN_TOO_OFTEN, likewise, with
 * the block that takes the next; CHAIN_OVERWRITTEN when another machine's commitment replaced this one, or this one
 * replaced another's; CHAIN_DISPATCH
 */
export async function changeCommitment(change: CommitmentChange): Promise<CommitmentAt> {
  const { chain, netuid, hotkey, before, roots, keep } = change
  const now = await readCommitment(chain, netuid, hotkey.address)
  if (!sameRoots(now, before)) {
    throw new NodeError('CHAIN_CHANGED', 'another machine committed for this hotkey meanwhile', {
      next: 'run it again',
    })
  }
  const next = nextCommitment(now, roots, Date.now())
  await refuseTooOften(chain, netuid, hotkey.address)
  await keep?.(next)
  const { block } = await commit(chain, netuid, hotkey, next)
  await confirm(change, now, { ...next, block: block.number })
  return { ...next, block: block.number }
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

/** Whether two commitments say the same; none says what one of nobody and nothing says. */
export const sameRoots = (
  a: BindingCommitment | undefined,
  b: BindingCommitment | undefined,
): boolean =>
  same(a?.bindingsRoot ?? NOBODY, b?.bindingsRoot ?? NOBODY) &&
  same(a?.recordsRoot ?? NO_RECORDS, b?.recordsRoot ?? NO_RECORDS)

/** Two machines may both send before either's block is final: who was overwritten finds it now, who overwrote likewise. */
async function confirm(
  { chain, netuid, hotkey }: CommitmentChange,
  before: BindingCommitment | undefined,
  sent: CommitmentAt,
): Promise<void> {
  const parent = await chain.blockAt(sent.block - 1)
  const replaced = (await readCommitments(chain, netuid, parent)).get(hotkey.address)
  if (!sameRoots(replaced, before)) {
    throw overwritten(
      `this commitment (block ${sent.block}) replaced one that another machine made in block ${replaced?.block}`,
      { replaced: replaced?.block },
    )
  }
  const held = await readCommitment(chain, netuid, hotkey.address)
  if (sameRoots(held, sent)) return
  throw overwritten(
    `another machine's commitment (block ${held?.block}, number ${held?.seq}) replaced this one (block ${sent.block})`,
    { replacedBy: held?.block },
  )
}

const overwritten = (what: string, details: Readonly<Record<string, unknown>>): NodeError =>
  new NodeError('CHAIN_OVERWRITTEN', `two machines commit for this hotkey at once: ${what}`, {
    ...details,
    next: 'run the command of the other machine again there, then this one here; where PeerIds changed, with the newest file of the other (chain bind add FILE)',
  })

/** @throws CHAIN_TOO_OFTEN when the chain says beforehand that it would refuse (spec 218) */
async function refuseTooOften(chain: Chain, netuid: number, address: string): Promise<void> {
  const [due, head] = await Promise.all([chain.commitmentDue(netuid, address), chain.head()])
  if (head.number + 1 < due) throw tooOften(due, head.number)
}

/** One block of a real chain. */
const BLOCK_SECONDS = 12

const tooOften = (due: number, head: number, cause?: unknown): NodeError => {
  const minutes = Math.ceil(((due - head) * BLOCK_SECONDS) / 60)
  return new NodeError('CHAIN_TOO_OFTEN', 'this hotkey committed too often for the chain', {
    cause,
    retryAtBlock: due,
    next: `run it again from block ${due} on: in ${due - head} blocks, about ${minutes} min`,
  })
}

/** How the two runtimes refuse a hotkey that commits too often. */
const TOO_OFTEN = /RateLimit|SpaceLimit/

/** Commits and waits until that is final; spec 424 tells only now that an epoch's bytes are used up. */
async function commit(
  chain: Chain,
  netuid: number,
  hotkey: Hotkey,
  commitment: BindingCommitment,
): Promise<TxResult> {
  try {
    return await chain.setCommitment(netuid, hotkey, encodeCommitment(commitment))
  } catch (error) {
    if (!(error instanceof NodeError) || !TOO_OFTEN.test(String(error.details['error'])))
      throw error
    const { number } = await chain.head()
    const due = await chain.commitmentDue(netuid, hotkey.address)
    throw tooOften(due > number ? due : (await chain.epoch(netuid)).next, number, error)
  }
}
