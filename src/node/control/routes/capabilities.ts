import type { FastifyInstance } from 'fastify'
import { NodeError } from '../../../errors.ts'
import type { Capability } from '../../../protocols/capability.ts'
import type { Isolation } from '../../../protocols/isolation.ts'
import type { Signed } from '../../../protocols/signed.ts'
import type { Capabilities } from '../../capabilities.ts'

/** What one peer announces. */
export interface CapabilityRow extends Pick<Capability, 'peerId' | 'seq' | 'classes' | 'backend'> {
  readonly engine: string
  /** What holds a tenant there, in its own word; null in records of an earlier version. */
  readonly isolation: Isolation | null
  readonly expiresAtMs: number
  readonly devices: Capability['devices']
  readonly versions: Capability['versions']
  /** Hex, when a hotkey's consent is in the record. */
  readonly hotkey: string | null
}

/**
 * `GET /v1/capabilities`: what is known; `?class=cpu` asks the DHT for a class first.
 * `GET /v1/capabilities/PEER`: one peer's record, from the DHT; NOTHING_MATCHED when nobody holds one.
 */
export function capabilitiesRoute(
  app: FastifyInstance,
  { capabilities }: { readonly capabilities: Capabilities },
): void {
  app.get<{ Querystring: { class?: string } }>('/v1/capabilities', async ({ query }) => {
    const records =
      query.class === undefined
        ? capabilities.all()
        : await capabilities.findClass(query.class.toLowerCase(), 256)
    return { items: records.map(rowOf) }
  })
  app.get<{ Params: { peer: string } }>('/v1/capabilities/:peer', async ({ params }) => {
    const record = await capabilities.look(params.peer)
    if (record !== undefined) return rowOf(record)
    throw new NodeError('NOTHING_MATCHED', `no capability record of ${params.peer} is found`, {
      next: 'compute-node peers lists who is known',
    })
  })
}

const rowOf = ({ payload }: Signed<Capability>): CapabilityRow => ({
  peerId: payload.peerId,
  seq: payload.seq,
  classes: payload.classes,
  backend: payload.backend,
  engine: payload.engine,
  isolation: payload.isolation ?? null,
  expiresAtMs: payload.expiresAtMs,
  devices: payload.devices,
  versions: payload.versions,
  hotkey:
    payload.binding === undefined ? null : Buffer.from(payload.binding.hotkey).toString('hex'),
})
