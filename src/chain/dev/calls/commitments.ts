import type { Call, Handlers } from './call.ts'
import { uidOf } from './subnet.ts'

/** Spec 424: bytes one account may commit per epoch of the subnet; every call counts at least 100. */
const SPACE_PER_EPOCH = 3100
const LEAST_SPACE = 100

function setCommitment(call: Call): void {
  const { storage, who, block } = call
  const fail = (name: string) => storage.runtime.failure('Commitments', name)
  const netuid = Number(call.method.args[0]!.toString())
  const info = call.method.args[1]!
  if (uidOf(storage, netuid, who) === undefined) throw fail('AccountNotAllowedCommit')
  const { fields } = info.toJSON() as { fields: unknown[] }
  if (fields.length > Number(storage.runtime.constant('Commitments', 'MaxFields')))
    throw fail('TooManyFieldsInCommitmentInfo')
  limit(call, netuid, info.encodedLength)
  const registration = { deposit: 0, block, info: info.toU8a() }
  storage.put('commitments', 'commitmentOf', [netuid, who], registration)
  storage.put('commitments', 'lastCommitment', [netuid, who], block)
  call.emit('Commitments', 'Commitment', [netuid, who])
}

/** 218 limits how often, 424 how much per epoch. */
function limit(call: Call, netuid: number, bytes: number): void {
  const { storage, who, block } = call
  const perBlocks = storage.runtime.constant('Commitments', 'RateLimit')
  if (perBlocks !== undefined) {
    const last = storage.json<number | null>('commitments', 'lastCommitment', netuid, who)
    if (last !== null && block - last < Number(perBlocks))
      throw storage.runtime.failure('Commitments', 'CommitmentSetRateLimitExceeded')
    return
  }
  const key = `commitment-space:${netuid}:${who}`
  const epoch = storage.number('subtensorModule', 'subnetEpochIndex', netuid)
  const [usedIn, used] = JSON.parse(storage.note(key) ?? '[0,0]') as [number, number]
  const total = (usedIn === epoch ? used : 0) + Math.max(bytes, LEAST_SPACE)
  if (total > SPACE_PER_EPOCH) throw storage.runtime.failure('Commitments', 'SpaceLimitExceeded')
  storage.putNote(key, JSON.stringify([epoch, total]))
}

export const commitmentsCalls: Handlers = { 'commitments.setCommitment': setCommitment }
