/**
 * What code that runs in pages too takes from Node where it has it, because Node is several times as fast. It is asked for
 * at run time: a bundler of browser code then has no import to resolve, and everything stays synchronous
 * (nodejs.org/api/process.html#processgetbuiltinmoduleid). Types are written out, for pages have no types of Node's.
 */

/** A key that Node has read. */
export type NodeKey = object

interface NodeCrypto {
  /** The digest, one character per byte. */
  hash(algorithm: 'sha256', data: Uint8Array, encoding: 'binary'): string
  /** @throws on bytes that are no key */
  createPublicKey(key: {
    readonly key: Uint8Array
    readonly format: 'der'
    readonly type: 'spki'
  }): NodeKey
  verify(algorithm: null, message: Uint8Array, key: NodeKey, signature: Uint8Array): boolean
}

interface NodeBuffer {
  readonly Buffer: {
    compare(a: Uint8Array, b: Uint8Array): number
    from(text: string, encoding: 'binary'): Uint8Array
  }
}

/** The modules of Node's that are used; both undefined in a page. */
export interface NodeBuiltins {
  readonly 'node:crypto': NodeCrypto
  readonly 'node:buffer': NodeBuffer
}

interface MaybeNode {
  readonly process?: {
    getBuiltinModule?<Name extends keyof NodeBuiltins>(name: Name): NodeBuiltins[Name] | undefined
  }
}

const { process } = globalThis as unknown as MaybeNode

export const nodeCrypto = process?.getBuiltinModule?.('node:crypto')
export const nodeBuffer = process?.getBuiltinModule?.('node:buffer')?.Buffer
