import type { FastifyInstance } from 'fastify'
import { networkRoutes } from '../../../api/network.ts'
import { NodeError } from '../../../errors.ts'
import type { Capability } from '../../../protocols/capability.ts'
import type { Signed } from '../../../protocols/signed.ts'
import type { Capabilities } from '../../capabilities.ts'
import { addRoute } from '../add-route.ts'
import { pageOf } from '../page.ts'

/**
 * `GET /v1/capabilities`: what is known; `?class=cpu` asks the DHT for a class first.
 * `GET /v1/capabilities/PEER`: one peer's record, from the DHT; NOTHING_MATCHED when nobody holds one.
 */
export function capabilitiesRoute(
  app: FastifyInstance,
  { capabilities }: { readonly capabilities: Capabilities },
): void {
  addRoute(app, networkRoutes.listCapabilities, async ({ query }) => {
    const records =
      query.class === undefined
        ? capabilities.all()
        : await capabilities.findClass(query.class.toLowerCase(), 256)
    return pageOf(records.map(rowOf), query, ({ peerId }) => peerId)
  })
  addRoute(app, networkRoutes.getCapability, async ({ params }) => {
    const record = await capabilities.look(params.peer)
    if (record !== undefined) return rowOf(record)
    throw new NodeError('NOTHING_MATCHED', `no capability record of ${params.peer} is found`, {
      next: 'compute-node peers lists who is known',
    })
  })
}

const rowOf = ({ payload }: Signed<Capability>) => ({
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
