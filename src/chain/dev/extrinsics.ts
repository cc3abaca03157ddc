import type { GenericExtrinsic } from '@polkadot/types'
import type { ExtrinsicSignatureV4 } from '@polkadot/types/interfaces'
import { toHex } from '../hex.ts'
import { verifyHotkeySignature } from '../keys.ts'
import { blake2 } from '../scale.ts'
import { decodeAddress } from '../ss58.ts'
import { invalidTransaction, RpcError } from './rpc-error.ts'
import type { Runtime } from './runtime.ts'

/** A transaction whose signature was checked against this chain. */
export interface SignedExtrinsic {
  readonly hash: string
  readonly bytes: Uint8Array
  /** SS58. */
  readonly signer: string
  readonly nonce: number
  readonly extrinsic: GenericExtrinsic
}

/** The blocks a signature may refer to. */
export interface Blocks {
  readonly genesis: string
  readonly head: number
  hashOf(number: number): string | undefined
}

/**
 * Decodes a transaction and checks its signature over call, era, nonce, tip, spec version, genesis and birth block,
 * exactly as the runtime's signed extensions prescribe. Throws the node's own JSON-RPC errors.
 */
export function openExtrinsic(
  runtime: Runtime,
  blocks: Blocks,
  bytes: Uint8Array,
): SignedExtrinsic {
  const extrinsic = decode(runtime, bytes)
  if (!extrinsic.isSigned) throw invalidTransaction({ call: null })
  const { multiSignature: signature } = extrinsic.inner.signature as unknown as ExtrinsicSignatureV4
  const type = signature.type.toLowerCase()
  if (type !== 'sr25519' && type !== 'ed25519') throw invalidTransaction({ badProof: null })
  const signer = extrinsic.signer.toString()
  const message = signedMessage(runtime, blocks, extrinsic)
  if (!verifyHotkeySignature(type, decodeAddress(signer), message, signature.inner.toU8a()))
    throw invalidTransaction({ badProof: null })
  return { hash: toHex(blake2(bytes)), bytes, signer, nonce: extrinsic.nonce.toNumber(), extrinsic }
}

function decode(runtime: Runtime, bytes: Uint8Array): GenericExtrinsic {
  try {
    const extrinsic = runtime.registry.createType('Extrinsic', bytes)
    if (toHex(extrinsic.toU8a()) !== toHex(bytes)) throw new Error('it has another encoding')
    return extrinsic as unknown as GenericExtrinsic
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause)
    throw new RpcError(1002, 'Verification Error: the transaction cannot be decoded', why)
  }
}

function signedMessage(runtime: Runtime, blocks: Blocks, extrinsic: GenericExtrinsic): Uint8Array {
  const { registry, spec } = runtime
  const payload = registry.createType(
    'ExtrinsicPayload',
    {
      method: extrinsic.method.toHex(),
      era: extrinsic.era,
      nonce: extrinsic.nonce,
      tip: extrinsic.tip,
      mode: 0,
      metadataHash: null,
      specVersion: spec,
      transactionVersion: 1,
      genesisHash: blocks.genesis,
      blockHash: birthHash(blocks, extrinsic),
    },
    { version: 4 },
  )
  const raw = payload.toU8a({ method: true })
  return raw.length > 256 ? blake2(raw) : raw
}

function birthHash(blocks: Blocks, { era }: GenericExtrinsic): string {
  if (!era.isMortalEra) return blocks.genesis
  const hash = blocks.hashOf(era.asMortalEra.birth(blocks.head))
  if (hash === undefined) throw invalidTransaction({ ancientBirthBlock: null })
  return hash
}
