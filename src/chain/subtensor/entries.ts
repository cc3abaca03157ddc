import type { ApiDecoration } from '@polkadot/api/types'
import type { Codec } from '@polkadot/types/types'

/** A chain at one block. */
export type At = ApiDecoration<'promise'>

/** An entry of subtensor's storage that not every runtime has. */
export const maybe = (at: At, name: string) => at.query['subtensorModule']?.[name]

/** One that each runtime this program speaks with has. */
export const subtensor = (at: At, name: string) => at.query['subtensorModule']![name]!

export const numberOf = (value: Codec): number => Number(value.toString())

export const bigintOf = (value: Codec): bigint => BigInt(value.toString())
