import { NodeError } from '../../errors.ts'
import { type SessionAsk, sessionProtocol } from '../../protocols/session.ts'

/**
 * What the query parameter `request` asks for, as it may travel.
 * @throws BAD_CONFIG_VALUE when it is not JSON, not as `read` wants it, or nothing that a miner would take
 */
export function askedOf<A extends SessionAsk>(
  query: URLSearchParams,
  read: (json: unknown) => A,
): A {
  try {
    const request = read(JSON.parse(query.get('request') ?? '{}'))
    const { encode, decode } = sessionProtocol.request
    decode(encode({ ...request, leaseId: new Uint8Array(32) } as Parameters<typeof encode>[0]))
    return request
  } catch (cause) {
    throw new NodeError('BAD_CONFIG_VALUE', `the session request is malformed: ${why(cause)}`, {
      cause,
    })
  }
}

/** A schema's own words are JSON, for programs. */
const why = (cause: unknown): string =>
  cause instanceof NodeError ? cause.message : 'see docs/leases.md'
