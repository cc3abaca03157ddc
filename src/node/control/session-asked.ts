import { NodeError } from '../../errors.ts'
import { type SessionAsk, sessionProtocol } from '../../protocols/session.ts'

/**
 * What a socket asks for, once the wire takes it too.
 * @throws BAD_CONFIG_VALUE when it is nothing that a miner would take
 */
export function onWire<A extends SessionAsk>(asked: A): A {
  try {
    const { encode, decode } = sessionProtocol.request
    decode(encode({ ...asked, leaseId: new Uint8Array(32) } as Parameters<typeof encode>[0]))
    return asked
  } catch (cause) {
    throw new NodeError('BAD_CONFIG_VALUE', `the session request is malformed: ${why(cause)}`, {
      cause,
    })
  }
}

/** A schema's own words are JSON, for programs. */
const why = (cause: unknown): string =>
  cause instanceof NodeError ? cause.message : 'see docs/leases.md'
