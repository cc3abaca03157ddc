import { toHex } from '../../hex.ts'
import { blake2 } from '../../scale.ts'
import { countsEpochs, epochNow } from '../epoch-clock.ts'
import { argsOf, type Call, type Handlers } from './call.ts'
import { putPerUid, uidOf } from './subnet.ts'
import { assertMechanism, putRevealed, tooSoon, weightsFailure } from './weights.ts'

const MODULE = 'subtensorModule'
/** Commits that a hotkey may have unrevealed: in all by hash, in one epoch by timelock. */
export const MAX_UNREVEALED = 10

/** Spec 218: (hash, block, first and last block of its reveal); spec 424: (hash, epoch, block, 0). */
type Commit = [hash: string, a: number, b: number, c: number]

/** When a commit may be revealed, in the unit of its runtime: blocks or epochs. */
interface Window {
  readonly first: number
  readonly last: number
}

/** The present in the unit of commits: the epoch, or the block. */
const now = ({ storage, block }: Call, netuid: number): number =>
  countsEpochs(storage) ? epochNow(storage, netuid, block) : block

function windowOf(call: Call, netuid: number, commit: Commit): Window {
  if (!countsEpochs(call.storage)) return { first: commit[2], last: commit[3] }
  const epoch = commit[1] + call.storage.number(MODULE, 'revealPeriodEpochs', netuid)
  return { first: epoch, last: epoch }
}

function newCommit(call: Call, netuid: number, hash: string): Commit {
  const { storage, block } = call
  if (countsEpochs(storage)) return [hash, epochNow(storage, netuid, block), block, 0]
  const span = storage.number(MODULE, 'tempo', netuid) + 1
  const epoch = Math.floor((block + netuid + 1) / span)
  const reveal = epoch + storage.number(MODULE, 'revealPeriodEpochs', netuid)
  const first = reveal * span - (netuid + 1)
  return [hash, block, first, first + span - 1]
}

const commitsOf = (call: Call, netuid: number): Commit[] =>
  call.storage.json<Commit[] | null>(MODULE, 'weightCommits', netuid, call.who) ?? []

/** Refuses commits and reveals where the subnet shows its weights. */
export function assertEnabled(call: Call, netuid: number): void {
  if (!call.storage.json<boolean>(MODULE, 'commitRevealWeightsEnabled', netuid))
    throw weightsFailure(call, 'CommitRevealDisabled')
}

function commitWeights(call: Call, netuid: number, hash: string): void {
  assertEnabled(call, netuid)
  const uid = uidOf(call.storage, netuid, call.who)
  if (uid === undefined) throw weightsFailure(call, 'HotKeyNotRegisteredInSubNet')
  if (tooSoon(call, netuid, uid)) throw weightsFailure(call, 'CommittingWeightsTooFast')
  const current = now(call, netuid)
  const kept = commitsOf(call, netuid).filter((one) => current <= windowOf(call, netuid, one).last)
  if (kept.length >= MAX_UNREVEALED) throw weightsFailure(call, 'TooManyUnrevealedCommits')
  const commits = [...kept, newCommit(call, netuid, hash)]
  call.storage.put(MODULE, 'weightCommits', [netuid, call.who], commits)
  putPerUid(call.storage, 'lastUpdate', netuid, uid, call.block, 0)
  call.emit('SubtensorModule', 'WeightsCommitted', [call.who, netuid, hash])
}

/** What a commit hides: SCALE(account, netuid, uids, values, salt, version key), hashed with BLAKE2b-256. */
function commitHash(call: Call, [netuid, uids, values, salt, versionKey]: unknown[]): string {
  const type = '(AccountId32, u16, Vec<u16>, Vec<u16>, Vec<u16>, u64)'
  const tuple = [call.who, netuid, uids, values, salt, versionKey]
  const { registry } = call.storage.runtime
  return toHex(blake2(registry.createTypeUnsafe(type, [tuple]).toU8a()))
}

function revealWeights(call: Call, args: unknown[]): void {
  const netuid = args[0] as number
  assertEnabled(call, netuid)
  const hash = commitHash(call, args)
  const current = now(call, netuid)
  const commits = commitsOf(call, netuid)
  if (commits.length === 0) throw weightsFailure(call, 'NoWeightsCommitFound')
  const at = commits.findIndex((one) => one[0] === hash)
  if (at < 0) throw weightsFailure(call, 'InvalidRevealCommitHashNotMatch')
  const { first, last } = windowOf(call, netuid, commits[at]!)
  if (current > last) throw weightsFailure(call, 'ExpiredWeightCommit')
  if (current < first) throw weightsFailure(call, 'RevealTooEarly')
  const left = commits.slice(at + 1)
  call.storage.put(MODULE, 'weightCommits', [netuid, call.who], left.length > 0 ? left : null)
  const [, uids, values, , versionKey] = args as [number, number[], number[], number[], number]
  putRevealed(call, { netuid, uids, values, versionKey: Number(versionKey) })
  call.emit('SubtensorModule', 'WeightsRevealed', [call.who, netuid, hash])
}

/** The same calls with the mechanism's number as second argument. */
export const ofMechanism =
  (run: (call: Call, args: unknown[]) => void) =>
  (call: Call): void => {
    const [netuid, mechanism, ...rest] = argsOf(call)
    assertMechanism(call, mechanism as number)
    run(call, [netuid, ...rest])
  }

const commit = (call: Call, [netuid, hash]: unknown[]): void =>
  commitWeights(call, netuid as number, hash as string)

export const commitRevealCalls: Handlers = {
  'subtensorModule.commitWeights': (call) => commit(call, argsOf(call)),
  'subtensorModule.revealWeights': (call) => revealWeights(call, argsOf(call)),
  'subtensorModule.commitMechanismWeights': ofMechanism(commit),
  'subtensorModule.revealMechanismWeights': ofMechanism(revealWeights),
}
