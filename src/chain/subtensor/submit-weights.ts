import { randomBytes } from 'node:crypto'
import type { ApiPromise } from '@polkadot/api'
import type { WeightRules, WeightsOptions, WeightsOutcome } from '../chain-weights.ts'
import { toHex } from '../hex.ts'
import type { Hotkey } from '../keys.ts'
import type { PendingDirect, PendingReveal, PendingWeights } from '../pending-weights.ts'
import { blake2, compact, u16s, u64 } from '../scale.ts'
import { timelock } from '../timelock.ts'
import { revealRound, timelockPayload } from '../timelock-weights.ts'
import type { SignedTx } from '../transaction.ts'
import { refusalOf } from '../weight-rules.ts'
import { fitRow } from '../weights.ts'
import { reading } from './connection.ts'
import { callOf } from './features.ts'
import { readPulseClock } from './read-pulse-clock.ts'
import type { Sender, Transaction } from './transactions.ts'
import { TIMELOCK_VERSION } from './weight-rules.ts'

const SALT_WORDS = 8

export interface WeightsNeeds {
  readonly api: ApiPromise
  readonly sender: Pick<Sender, 'send'>
  /** The rules as they stand now. */
  readonly readRules: () => Promise<WeightRules>
}

/**
 * Sends scores as the subnet demands: directly, timelocked to a round of the beacon, or as a hash to be revealed in a later
 * epoch. What the chain would refuse is not sent, but said.
 */
export async function submitWeights(
  { api, sender, readRules }: WeightsNeeds,
  netuid: number,
  hotkey: Hotkey,
  scores: ReadonlyMap<number, number>,
  options: WeightsOptions = {},
): Promise<WeightsOutcome> {
  const rules = await readRules()
  const refusal = refusalOf(rules)
  if (refusal !== undefined) return { kind: 'skipped', ...refusal }
  const weights = fitRow(scores, rules, options.pad)
  if (typeof weights === 'string') return { kind: 'skipped', reason: 'BAD_ROW', message: weights }
  const row = {
    netuid,
    uids: weights.map(([uid]) => uid),
    values: weights.map(([, value]) => value),
    versionKey: Math.max(options.versionKey ?? 0, rules.versionKey),
    committedAt: rules.epoch.index,
  }
  const { pending, call } = await prepare(api, hotkey, rules, row)
  const keep = async (signed: SignedTx) => options.keep?.({ ...pending, signed })
  const { block } = await sender.send(call, hotkey, keep)
  if (pending.way === 'direct') return { kind: 'direct', weights, block }
  if (pending.way === 'hash') return { kind: 'hash', weights, block, reveal: pending }
  return { kind: 'timelock', weights, block, sealed: pending }
}

interface Prepared {
  readonly pending: PendingWeights
  /** Makes the call by the runtime that stands then. */
  readonly call: () => Transaction
}

/** What is to be sent, by the way that the rules demand, and what is to be kept of it. */
async function prepare(
  api: ApiPromise,
  hotkey: Hotkey,
  rules: WeightRules,
  row: Omit<PendingDirect, 'way'>,
): Promise<Prepared> {
  const { netuid, uids, values, versionKey } = row
  const call = (method: string, ...args: unknown[]) => {
    return () => callOf(api, 'subtensorModule', method)(netuid, ...args)
  }
  if (rules.way === 'direct')
    return {
      pending: { ...row, way: 'direct' },
      call: call('setWeights', uids, values, versionKey),
    }
  const target = rules.way === 'timelock' ? await targetOf(api, rules) : undefined
  if (target === undefined) {
    const pending: PendingReveal = { ...row, way: 'hash', salt: newSalt() }
    return { pending, call: call('commitWeights', toHex(commitHash(hotkey.publicKey, pending))) }
  }
  const weights = uids.map((uid, i) => [uid, values[i]!] as const)
  const plain = timelockPayload(hotkey.publicKey, weights, versionKey)
  const { round } = target
  const sealed = timelock(plain, round, target.beacon.publicKey)
  return {
    pending: { ...row, way: 'timelock', hash: toHex(blake2(sealed)), round },
    call: call('commitTimelockedWeights', toHex(sealed), round, TIMELOCK_VERSION),
  }
}

/** The round that opens a commit of now in its reveal epoch; undefined when its pulse would miss that: it is hashed. */
async function targetOf(api: ApiPromise, { block, epoch, revealPeriod }: WeightRules) {
  const clock = await reading('the beacon', () => readPulseClock(api, block))
  if (clock === undefined) return undefined
  const timing = { epoch, revealPeriod, block: block.number, ...clock }
  const round = revealRound(clock.beacon, timing, clock.lastStoredRound)
  return round === undefined ? undefined : { round, beacon: clock.beacon }
}

function newSalt(): number[] {
  const bytes = randomBytes(2 * SALT_WORDS)
  return Array.from({ length: SALT_WORDS }, (_, i) => bytes.readUInt16LE(2 * i))
}

/** BLAKE2b-256 over SCALE(account, netuid, uids, values, salt, version key). */
export function commitHash(
  publicKey: Uint8Array,
  { netuid, uids, values, salt, versionKey }: Omit<PendingReveal, 'way' | 'committedAt'>,
): Uint8Array {
  return blake2(publicKey, u16s([netuid]), list(uids), list(values), list(salt), u64(versionKey))
}

const list = (numbers: readonly number[]): Uint8Array =>
  Buffer.concat([compact(numbers.length), u16s(numbers)])
