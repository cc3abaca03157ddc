import { randomBytes } from 'node:crypto'
import type { ApiPromise } from '@polkadot/api'
import type {
  PendingReveal,
  TxResult,
  WeightRow,
  WeightRules,
  WeightsOptions,
  WeightsOutcome,
} from '../chain.ts'
import { toHex } from '../hex.ts'
import type { Hotkey } from '../keys.ts'
import { blake2, compact, u16s, u64 } from '../scale.ts'
import { refusalOf } from '../weight-rules.ts'
import { fitRow } from '../weights.ts'
import { callOf } from './features.ts'
import type { Sender } from './transactions.ts'

const SALT_WORDS = 8

export interface WeightsNeeds {
  readonly api: ApiPromise
  readonly sender: Sender
  /** The rules as they stand now. */
  readonly readRules: () => Promise<WeightRules>
}

/**
 * Sends scores as the subnet demands: directly, or as a hash to be revealed in a later epoch. What the chain would
 * refuse is not sent, but said.
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
  const versionKey = Math.max(options.versionKey ?? 0, rules.versionKey)
  if (rules.way !== 'direct')
    return commit({ api, sender }, netuid, hotkey, weights, versionKey, rules.epoch.index, options)
  const { uids, values } = columns(weights)
  const call = () => callOf(api, 'subtensorModule', 'setWeights')(netuid, uids, values, versionKey)
  const { block } = await sender.send(call, hotkey)
  return { kind: 'direct', block, weights }
}

const columns = (weights: WeightRow) => ({
  uids: weights.map(([uid]) => uid),
  values: weights.map(([, value]) => value),
})

async function commit(
  needs: Pick<WeightsNeeds, 'api' | 'sender'>,
  netuid: number,
  hotkey: Hotkey,
  weights: WeightRow,
  versionKey: number,
  committedAt: number,
  { keep }: WeightsOptions,
): Promise<WeightsOutcome> {
  const bytes = randomBytes(2 * SALT_WORDS)
  const salt = Array.from({ length: SALT_WORDS }, (_, i) => bytes.readUInt16LE(2 * i))
  const reveal = { netuid, ...columns(weights), salt, versionKey, committedAt }
  await keep?.(reveal)
  const { block } = await sendCommit(needs, hotkey, reveal)
  return { kind: 'hash', block, weights, reveal }
}

/** Sends the hash of what is kept, for the first time or again: it stays the same. */
export function sendCommit(
  { api, sender }: Pick<WeightsNeeds, 'api' | 'sender'>,
  hotkey: Hotkey,
  reveal: PendingReveal,
): Promise<TxResult> {
  const hash = toHex(commitHash(hotkey.publicKey, reveal))
  const call = () => callOf(api, 'subtensorModule', 'commitWeights')(reveal.netuid, hash)
  return sender.send(call, hotkey)
}

/** BLAKE2b-256 over SCALE(account, netuid, uids, values, salt, version key). */
export function commitHash(
  publicKey: Uint8Array,
  { netuid, uids, values, salt, versionKey }: PendingReveal,
): Uint8Array {
  return blake2(publicKey, u16s([netuid]), list(uids), list(values), list(salt), u64(versionKey))
}

const list = (numbers: readonly number[]): Uint8Array =>
  Buffer.concat([compact(numbers.length), u16s(numbers)])
