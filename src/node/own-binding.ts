import { randomBytes, sign } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hotkey } from '../chain/keys.ts'
import { messageOf, NodeError } from '../errors.ts'
import { bindingLeaf, bindingTree, encodeCommitment } from '../protocols/binding.ts'
import { type Binding, bindingMessage, bindingSchema } from '../protocols/capability.ts'
import { cborCodec } from '../protocols/codec.ts'
import type { Network } from '../protocols/network.ts'
import type { RecordKey } from '../protocols/seal.ts'
import { KiB } from '../units.ts'

const codec = cborCodec(bindingSchema, 4 * KiB)

/** A binding lasts about 30 days of 12 s blocks; binding again before then renews it. */
export const BINDING_BLOCKS = 216_000

/** Where a node keeps its hotkey's consent. It holds no secret: it travels in the capability record. */
export const bindingFile = (dataDir: string): string => join(dataDir, 'binding.cbor')

/** This node's binding; undefined when it has none. BAD_CONFIG_BINDING when the file is damaged. */
export async function readBinding(dataDir: string): Promise<Binding | undefined> {
  const file = bindingFile(dataDir)
  try {
    return codec.decode(new Uint8Array(await readFile(file)))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new NodeError('BAD_CONFIG_BINDING', `cannot read ${file}: ${messageOf(cause)}`, {
      cause,
      next: 'run compute-node chain bind again',
    })
  }
}

/** Written whole or not at all. */
export async function writeBinding(dataDir: string, binding: Binding): Promise<void> {
  const draft = `${bindingFile(dataDir)}.${randomBytes(4).toString('hex')}`
  await writeFile(draft, codec.encode(binding), { mode: 0o600 })
  await rename(draft, bindingFile(dataDir))
}

export interface BindingNeeds {
  readonly net: Network
  readonly hotkey: Hotkey
  /** The PeerId's key. */
  readonly key: RecordKey
  /** A higher one than the hotkey's last; unix ms serves. */
  readonly seq: number
  readonly expiresAtBlock: number
}

/** Binds one PeerId to a hotkey: the binding to keep, and the commitment that the chain must hold for it to count. */
export function makeBinding(needs: BindingNeeds): {
  readonly binding: Binding
  readonly commitment: Uint8Array
} {
  const { net, hotkey, key, seq, expiresAtBlock } = needs
  const bound = { hotkey: hotkey.publicKey, seq, expiresAtBlock, peerKey: key.publicKey }
  const message = bindingMessage(net, bound)
  const { root, paths } = bindingTree([bindingLeaf(net, bound)])
  const binding: Binding = {
    hotkey: hotkey.publicKey,
    hotkeyType: hotkey.type,
    seq,
    expiresAtBlock,
    sigHotkey: hotkey.sign(message),
    sigPeer: new Uint8Array(sign(null, message, key.privateKey)),
    index: 0,
    path: [...paths[0]!],
  }
  return { binding, commitment: encodeCommitment({ seq, bindingsRoot: root }) }
}
