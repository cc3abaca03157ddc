import { type KeyObject, sign as signBytes } from 'node:crypto'
import { type Codec, encodeCbor } from './codec.ts'
import type { Network } from './network.ts'
import { RECORD_VERSION, type RecordType, recordId, type Signed, signedBytes } from './signed.ts'

/** An ed25519 key that signs: the PeerId's. */
export interface RecordKey {
  /** 32 B. */
  readonly publicKey: Uint8Array
  readonly privateKey: KeyObject
}

/** CBOR `[1, type, pubkey, payload, sig]` with sig over domain ‖ netDigest ‖ type ‖ payload (DESIGN.md, "Bytes"). */
export function sealRecord<T>(
  net: Network,
  type: RecordType,
  codec: Codec<T>,
  key: RecordKey,
  value: T,
): Signed<T> {
  const payload = codec.encode(value)
  const signature = new Uint8Array(signBytes(null, signedBytes(net, type, payload), key.privateKey))
  const bytes = encodeCbor([RECORD_VERSION, type, key.publicKey, payload, signature])
  const id = recordId(net, type, key.publicKey, payload)
  return { id, publicKey: key.publicKey, payload: value, signature, bytes }
}
