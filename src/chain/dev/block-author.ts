import type { GenericCall } from '@polkadot/types'
import type { Log } from '../../log.ts'
import { toHex } from '../hex.ts'
import { compact } from '../scale.ts'
import { adminCalls } from './calls/admin.ts'
import { balancesCalls, nonceOf, putNonce } from './calls/balances.ts'
import { burnAlphaCalls } from './calls/burn-alpha.ts'
import type { Call, Handlers } from './calls/call.ts'
import { commitRevealCalls } from './calls/commit-reveal.ts'
import { commitmentsCalls } from './calls/commitments.ts'
import { registrationCalls } from './calls/registration.ts'
import { takeCalls } from './calls/take.ts'
import { timelockedCalls } from './calls/timelocked.ts'
import { unstakeCalls } from './calls/unstake.ts'
import { weightsCalls } from './calls/weights.ts'
import { KEEP_BLOCKS } from './chain-store.ts'
import { storePulses } from './drand-pallet.ts'
import { stepEpochs } from './epoch.ts'
import type { SignedExtrinsic } from './extrinsics.ts'
import type { PulseSource } from './pulses.ts'
import { DispatchFailure } from './runtime.ts'
import type { Storage } from './storage.ts'

const handlers: Handlers = {
  ...balancesCalls,
  ...registrationCalls,
  ...unstakeCalls,
  ...takeCalls,
  ...burnAlphaCalls,
  ...weightsCalls,
  ...commitRevealCalls,
  ...timelockedCalls,
  ...commitmentsCalls,
  ...adminCalls,
}

const INFO = { weight: { refTime: 1000, proofSize: 0 }, class: 'Normal', paysFee: 'No' }

/** Where a block stands. */
export interface BlockPlace {
  readonly number: number
  readonly parentHash: string
  readonly timeMs: number
  readonly netuids: readonly number[]
  /** The beacon whose pulses the block stores. */
  readonly pulses?: PulseSource | undefined
}

/**
 * Executes one block into `storage`: bookkeeping, what is revealed, due epochs and pulses, then the transactions in
 * order, each with its events.
 */
export function executeBlock(
  storage: Storage,
  place: BlockPlace,
  transactions: readonly SignedExtrinsic[],
  log: Log,
): void {
  const { number, parentHash, timeMs } = place
  storage.put('system', 'number', [], number)
  storage.put('system', 'parentHash', [], parentHash)
  storage.put('system', 'blockHash', [number - 1], parentHash)
  if (number > KEEP_BLOCKS) storage.put('system', 'blockHash', [number - KEEP_BLOCKS - 1], null)
  storage.put('timestamp', 'now', [], timeMs)
  const begun: Uint8Array[] = []
  stepEpochs(storage, place.netuids, number, (pallet, event, data) =>
    begun.push(storage.runtime.event(pallet, event, data)),
  )
  if (place.pulses !== undefined) storePulses(storage, place.pulses, timeMs)
  const records = [
    ...begun.map((event) => eventRecord(INITIALIZATION, event)),
    ...transactions.flatMap((transaction, index) =>
      execute(storage, number, transaction, log).map((event) => eventRecord(applied(index), event)),
    ),
  ]
  storage.put('system', 'eventCount', [], records.length)
  const events = Buffer.concat([compact(records.length), ...records])
  storage.putRaw('system', 'events', toHex(events))
}

/** Runs one transaction; its nonce counts whether it succeeds or not. Gives its events. */
function execute(
  storage: Storage,
  block: number,
  transaction: SignedExtrinsic,
  log: Log,
): Uint8Array[] {
  const { runtime } = storage
  const { signer } = transaction
  const nonce = nonceOf(storage, signer)
  let events: Uint8Array[] = []
  try {
    storage.attempt(() => run(storage, block, transaction, events))
    events.push(runtime.event('System', 'ExtrinsicSuccess', [INFO]))
  } catch (error) {
    // A fault of ours in one call must not stop the chain: it fails alone, and loudly.
    if (!(error instanceof DispatchFailure)) log.error('call-failed', error, { signer })
    const dispatch = error instanceof DispatchFailure ? error.dispatch : { Other: null }
    events = [runtime.event('System', 'ExtrinsicFailed', [dispatch, INFO])]
  }
  putNonce(storage, signer, nonce + 1)
  return events
}

function run(
  storage: Storage,
  block: number,
  { signer, extrinsic }: SignedExtrinsic,
  events: Uint8Array[],
): void {
  const dispatch = (method: GenericCall): void => {
    const handler = handlers[`${method.section}.${method.method}`]
    if (handler === undefined) throw storage.runtime.failure('System', 'CallFiltered')
    const emit: Call['emit'] = (pallet, event, data) =>
      events.push(storage.runtime.event(pallet, event, data))
    handler({ who: signer, method, storage, block, emit, dispatch })
  }
  dispatch(extrinsic.method as unknown as GenericCall)
}

/** The phase of a transaction: "apply extrinsic n". */
function applied(index: number): Uint8Array {
  const phase = Buffer.alloc(5)
  phase.writeUInt32LE(index, 1)
  return phase
}

/** The phase of what begins a block. */
const INITIALIZATION = Uint8Array.of(2)

/** The phase, the event, no topics. */
const eventRecord = (phase: Uint8Array, event: Uint8Array): Uint8Array =>
  Buffer.concat([phase, event, Uint8Array.of(0)])
