import {
  addressArg,
  argsOf,
  bigintArg,
  type Call,
  type Handler,
  type Handlers,
  hotkeyOwner,
} from './call.ts'
import { moveAlphaOut, stakeOf, takeStake } from './stake.ts'

const MODULE = 'subtensorModule'

/**
 * Takes alpha off a hotkey for good, at most what the signer has there. Burned alpha counts as issued for ever, recycled
 * alpha may be emitted again.
 */
const giveUp =
  (event: 'AlphaBurned' | 'AlphaRecycled'): Handler =>
  (call) => {
    const { storage, who } = call
    const hotkey = addressArg(call, 0)
    const netuid = Number(argsOf(call)[2])
    assertBurns(call, netuid, hotkey)
    const has = stakeOf(storage, netuid, hotkey, who)
    const wanted = bigintArg(call, 1)
    const alpha = wanted < has ? wanted : has
    if (storage.bigint(MODULE, 'subnetAlphaOut', netuid) < alpha)
      throw storage.runtime.failure('SubtensorModule', 'InsufficientLiquidity')
    takeStake(storage, netuid, hotkey, who, alpha)
    if (event === 'AlphaRecycled') moveAlphaOut(storage, netuid, -alpha)
    call.emit('SubtensorModule', event, [who, hotkey, alpha, netuid])
  }

function assertBurns(call: Call, netuid: number, hotkey: string): void {
  const { storage } = call
  const fail = (name: string) => storage.runtime.failure('SubtensorModule', name)
  if (netuid === 0) throw fail('CannotBurnOrRecycleOnRootSubnet')
  if (!storage.json<boolean>(MODULE, 'networksAdded', netuid)) throw fail('SubnetNotExists')
  if (hotkeyOwner(call, hotkey) === undefined) throw fail('HotKeyAccountNotExists')
}

/** Only newer runtimes have these calls. */
export const burnAlphaCalls: Handlers = {
  'subtensorModule.burnAlpha': giveUp('AlphaBurned'),
  'subtensorModule.recycleAlpha': giveUp('AlphaRecycled'),
}
