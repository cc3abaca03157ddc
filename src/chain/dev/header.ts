import { hash } from 'node:crypto'
import { fromHex, toHex } from '../hex.ts'
import { blake2, compact } from '../scale.ts'

/** A block header; hashes are hex with 0x. */
export interface Header {
  readonly parentHash: string
  readonly number: number
  readonly stateRoot: string
  readonly extrinsicsRoot: string
}

/** The hash of a header: BLAKE2b-256 of its SCALE bytes with an empty digest. */
export function headerHash({ parentHash, number, stateRoot, extrinsicsRoot }: Header): string {
  const root = (text: string): Uint8Array => fromHex(text, 32)!
  const parts = [root(parentHash), compact(number), root(stateRoot), root(extrinsicsRoot)]
  return toHex(blake2(...parts, Uint8Array.of(0)))
}

/** The JSON of a header, as `chain_getHeader` answers. */
export const headerJson = ({ number, ...rest }: Header) => ({
  ...rest,
  number: `0x${number.toString(16)}`,
  digest: { logs: [] },
})

/** What marks block 0 of an embedded dev chain, so that nobody can pass another chain off as one. */
const MARK = toHex(new Uint8Array(hash('sha256', 'compute-node/dev-chain/1', 'buffer')))
const NOTHING = `0x${'00'.repeat(32)}`

/** Block 0 of the dev chain that a seed makes; its `stateRoot` commits to the seed without revealing it. */
export function devGenesis(seed: Uint8Array): Header {
  const stateRoot = toHex(blake2(Buffer.from('compute-node/dev-chain/seed/1\0'), seed))
  return { parentHash: NOTHING, number: 0, stateRoot, extrinsicsRoot: MARK }
}

/**
 * Whether a genesis hash is that of an embedded dev chain with this `stateRoot` (as `cn_info` tells it). No real
 * chain can pass: its hash would have to be a preimage collision.
 */
export function isDevGenesis(genesis: Uint8Array, stateRoot: string): boolean {
  if (fromHex(stateRoot, 32)?.length !== 32) return false
  const header = { parentHash: NOTHING, number: 0, stateRoot, extrinsicsRoot: MARK }
  return headerHash(header) === toHex(genesis)
}
