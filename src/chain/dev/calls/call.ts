import type { GenericCall } from '@polkadot/types'
import type { Storage } from '../storage.ts'

/** One call being executed: who signed it, what it says, and what it may touch. */
export interface Call {
  /** SS58 of the signer. */
  readonly who: string
  readonly method: GenericCall
  readonly storage: Storage
  /** The block it stands in. */
  readonly block: number
  emit(pallet: string, event: string, data: readonly unknown[]): void
  /** Executes an inner call (of sudo or a batch) as the same or another signer. */
  dispatch(method: GenericCall): void
}

/** Executes a call, or throws the DispatchFailure the real pallet would answer. */
export type Handler = (call: Call) => void

/** Handlers by `section.method` as polkadot.js names them; a call without one is refused as CallFiltered. */
export type Handlers = Readonly<Record<string, Handler>>

/** The arguments as JSON; integers above 2^53 come as hex text. */
export const argsOf = ({ method }: Call): unknown[] => method.args.map((arg) => arg.toJSON())

/** One argument as a whole number of any size. */
export const bigintArg = ({ method }: Call, at: number): bigint =>
  BigInt(method.args[at]!.toString())

/** The coldkey that registered a hotkey first, SS58; absent owners read as the zero account, by the entry's default. */
export function hotkeyOwner(
  { storage }: Pick<Call, 'storage'>,
  hotkey: string,
): string | undefined {
  const owner = storage.codec('subtensorModule', 'owner', hotkey)
  return owner === null || owner.isEmpty ? undefined : String(owner.toJSON())
}

/** The account a MultiAddress or AccountId argument names, SS58. */
export const addressArg = ({ method }: Call, at: number): string => {
  const json = method.args[at]!.toJSON()
  return typeof json === 'object' && json !== null ? String(Object.values(json)[0]) : String(json)
}
