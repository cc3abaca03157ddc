import { fromHex, toHex } from '../../hex.ts'
import { blake2 } from '../../scale.ts'
import { encodeAddress } from '../../ss58.ts'
import { MAX_TIMELOCKED_BYTES, openTimelock } from '../../timelock.ts'
import { countsEpochs, epochNow } from '../epoch-clock.ts'
import { DispatchFailure } from '../runtime.ts'
import type { Storage } from '../storage.ts'
import { argsOf, type Call, type Handlers } from './call.ts'
import { assertEnabled, MAX_UNREVEALED, ofMechanism } from './commit-reveal.ts'
import { putPerUid, uidOf } from './subnet.ts'
import { putRevealed, tooSoon, type Weighing, weightsFailure } from './weights.ts'

const MODULE = 'subtensorModule'

/** Weights that nobody can read before the pulse of their round; kept by the epoch in which they were committed. */
type Sealed = [who: string, block: number, sealed: string, round: number]

const commitsOf = (storage: Storage, netuid: number, epoch: number): Sealed[] =>
  storage.json<Sealed[]>(MODULE, 'timelockedWeightCommits', netuid, epoch)

function putCommits(storage: Storage, netuid: number, epoch: number, commits: Sealed[]): void {
  const value = commits.length > 0 ? commits : null
  storage.put(MODULE, 'timelockedWeightCommits', [netuid, epoch], value)
}

/** The epochs in which timelocked weights were committed that are still there. */
const epochsOf = (storage: Storage, netuid: number): number[] =>
  storage
    .keysUnder(MODULE, 'timelockedWeightCommits', netuid)
    .map((key) => Number(Buffer.from(key.slice(-16), 'hex').readBigUInt64LE()))
    .sort((a, b) => a - b)

/** The round before which the chain takes no timelocked weights: somebody could read them already. */
export const lastStoredRound = (storage: Storage): number =>
  storage.number('drand', 'lastStoredRound')

/** The checks of the real pallet in its order; the round's is its transaction extension's (notes/chain.md §3). */
function commitTimelocked(call: Call, [netuid, sealed, round, version]: unknown[]): void {
  const { storage, block, who } = call
  const [subnet, hex] = [netuid as number, sealed as string]
  if (Number(round) < lastStoredRound(storage)) throw weightsFailure(call, 'InvalidRevealRound')
  assertEnabled(call, subnet)
  if (version !== storage.number(MODULE, 'commitRevealWeightsVersion'))
    throw weightsFailure(call, 'IncorrectCommitRevealVersion')
  const uid = uidOf(storage, subnet, who)
  if (uid === undefined) throw weightsFailure(call, 'HotKeyNotRegisteredInSubNet')
  if (tooSoon(call, subnet, uid)) throw weightsFailure(call, 'CommittingWeightsTooFast')
  const epoch = epochNow(storage, subnet, block)
  const commits = commitsOf(storage, subnet, epoch)
  if (commits.filter(([one]) => one === who).length >= MAX_UNREVEALED)
    throw weightsFailure(call, 'TooManyUnrevealedCommits')
  putCommits(storage, subnet, epoch, [...commits, [who, block, hex, Number(round)]])
  putPerUid(storage, 'lastUpdate', subnet, uid, block, 0)
  const hash = toHex(blake2(fromHex(hex, MAX_TIMELOCKED_BYTES)!))
  call.emit('SubtensorModule', 'TimelockedWeightsCommitted', [who, subnet, hash, round])
}

export const timelockedCalls: Handlers = {
  'subtensorModule.commitTimelockedWeights': (call) => commitTimelocked(call, argsOf(call)),
  'subtensorModule.commitTimelockedMechanismWeights': ofMechanism(commitTimelocked),
}

/**
 * Opens what was committed a reveal period before the epoch of this block, or before the one that is due in it, and
 * whose pulse the chain has. What lacks its pulse waits until that epoch ends, and is then gone; what does not open or
 * breaks a rule of weights is gone at once. The runtime says neither.
 */
export function revealTimelocked(chain: Omit<Weighing, 'who'>, netuid: number): void {
  const { storage, block } = chain
  if (!countsEpochs(storage)) return
  const epochs = epochsOf(storage, netuid)
  if (epochs.length === 0) return
  const reveals =
    epochNow(storage, netuid, block) - storage.number(MODULE, 'revealPeriodEpochs', netuid)
  for (const epoch of epochs) if (epoch < reveals) putCommits(storage, netuid, epoch, [])
  if (!epochs.includes(reveals)) return
  const waiting: Sealed[] = []
  for (const commit of commitsOf(storage, netuid, reveals)) {
    const signature = storage.json<PulseJson | null>('drand', 'pulses', commit[3])?.signature
    if (signature === undefined) waiting.push(commit)
    else open({ ...chain, who: commit[0] }, netuid, commit[2], signature)
  }
  putCommits(storage, netuid, reveals, waiting)
}

interface PulseJson {
  readonly signature: string
}

function open(as: Weighing, netuid: number, sealed: string, signature: string): void {
  const row = decode(as.storage, sealed, signature)
  if (row === undefined || row.hotkey !== as.who) return
  const { uids, values, versionKey } = row
  const emitted: Parameters<Call['emit']>[] = []
  const emit: Call['emit'] = (...event) => void emitted.push(event)
  try {
    as.storage.attempt(() => putRevealed({ ...as, emit }, { netuid, uids, values, versionKey }))
  } catch (error) {
    if (error instanceof DispatchFailure) return
    throw error
  }
  for (const event of emitted) as.emit(...event)
  as.emit('SubtensorModule', 'TimelockedWeightsRevealed', [netuid, as.who])
}

/** `WeightsTlockPayload { hotkey, uids, values, version_key }`; undefined for bytes that are none. */
function decode({ runtime }: Storage, sealed: string, signature: string) {
  try {
    const [bytes, pulse] = [fromHex(sealed, MAX_TIMELOCKED_BYTES)!, fromHex(signature, 48)!]
    const type = '(Bytes, Vec<u16>, Vec<u16>, u64)'
    const payload = runtime.registry.createTypeUnsafe(type, [openTimelock(bytes, pulse)])
    const [hotkey, uids, values, versionKey] = payload.toJSON() as [string, number[], number[], 0]
    const address = encodeAddress(fromHex(hotkey, 32)!)
    return { hotkey: address, uids, values, versionKey: Number(versionKey) }
  } catch {
    return undefined // anybody may commit any bytes: the real runtime drops what does not open, without a word
  }
}

/** The block of each hotkey's oldest timelocked commit that may still be revealed when an epoch begins. */
export function oldestTimelocked(
  storage: Storage,
  netuid: number,
  epoch: number,
): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  if (!countsEpochs(storage)) return found
  const period = storage.number(MODULE, 'revealPeriodEpochs', netuid)
  for (const committed of epochsOf(storage, netuid)) {
    if (epoch > committed + period) continue
    for (const [who, block] of commitsOf(storage, netuid, committed))
      found.set(who, Math.min(block, found.get(who) ?? block))
  }
  return found
}

/** The rounds for which any subnet's commits wait. */
export const awaitedRounds = (storage: Storage): number[] =>
  storage
    .subnets()
    .flatMap((netuid) =>
      epochsOf(storage, netuid).flatMap((epoch) =>
        commitsOf(storage, netuid, epoch).map(([, , , round]) => Number(round)),
      ),
    )
