import type { DispatchFailure } from '../runtime.ts'
import { addressArg, argsOf, type Call, type Handlers, hotkeyOwner } from './call.ts'

const MODULE = 'subtensorModule'

const fail = (call: Call, name: string): DispatchFailure =>
  call.storage.runtime.failure('SubtensorModule', name)

/** What the owner of a hotkey keeps of its dividends, of 65535, as the call wants it. */
interface Wanted {
  readonly hotkey: string
  readonly take: number
  /** What it set before; undefined while the default holds, which binds nobody. */
  readonly before: number | undefined
}

function wantedBy(call: Call): Wanted {
  const { storage } = call
  const hotkey = addressArg(call, 0)
  const owner = hotkeyOwner(call, hotkey)
  if (owner === undefined) throw fail(call, 'HotKeyAccountNotExists')
  if (owner !== call.who) throw fail(call, 'NonAssociatedColdKey')
  const isSet = storage.has(MODULE, 'delegates', hotkey)
  const before = isSet ? storage.number(MODULE, 'delegates', hotkey) : undefined
  return { hotkey, take: Number(argsOf(call)[1]), before }
}

function decreaseTake(call: Call): void {
  const { storage } = call
  const { hotkey, take, before } = wantedBy(call)
  if (before !== undefined && take >= before) throw fail(call, 'DelegateTakeTooLow')
  if (take < storage.number(MODULE, 'minDelegateTake')) throw fail(call, 'DelegateTakeTooLow')
  // The older runtime counts increases alone.
  if (storage.runtime.spec !== 218) putLast(call, hotkey)
  putTake(call, hotkey, take, 'TakeDecreased')
}

function increaseTake(call: Call): void {
  const { storage, block } = call
  const { hotkey, take, before } = wantedBy(call)
  if (before !== undefined && take <= before) throw fail(call, 'DelegateTakeTooLow')
  if (take > storage.number(MODULE, 'maxDelegateTake')) throw fail(call, 'DelegateTakeTooHigh')
  const last = storage.number(MODULE, ...lastEntry(call, hotkey))
  const limit = storage.number(MODULE, 'txDelegateTakeRateLimit')
  if (last > 0 && limit > 0 && block - last <= limit)
    throw fail(call, 'DelegateTxRateLimitExceeded')
  putLast(call, hotkey)
  putTake(call, hotkey, take, 'TakeIncreased')
}

/** Where the last change stands: of a coldkey in the older runtime, of a hotkey in the newer one. */
const lastEntry = ({ storage, who }: Call, hotkey: string): [name: string, key: unknown] =>
  storage.runtime.spec === 218
    ? ['lastTxBlockDelegateTake', who]
    : ['lastRateLimitedBlock', { LastTxBlockDelegateTake: hotkey }]

function putLast(call: Call, hotkey: string): void {
  const [name, key] = lastEntry(call, hotkey)
  call.storage.put(MODULE, name, [key], call.block)
}

function putTake(call: Call, hotkey: string, take: number, event: string): void {
  call.storage.put(MODULE, 'delegates', [hotkey], take)
  call.emit('SubtensorModule', event, [call.who, hotkey, take])
}

export const takeCalls: Handlers = {
  'subtensorModule.decreaseTake': decreaseTake,
  'subtensorModule.increaseTake': increaseTake,
}
