import type { FastifyInstance } from 'fastify'
import { networkRoutes } from '../../../api/network.ts'
import { NodeError } from '../../../errors.ts'
import type { Core } from '../../core.ts'
import { ownRecord, ownRecordIds } from '../../own-records.ts'
import { addRoute } from '../add-route.ts'

/** `GET /v1/own-records` and `GET /v1/own-records/ID`: what an anchor holds (docs/chain.md). */
export function ownRecordsRoute(
  app: FastifyInstance,
  { core }: { readonly core: Pick<Core, 'store' | 'net' | 'key'> },
): void {
  const { store, net, key } = core
  addRoute(app, networkRoutes.listOwnRecords, async () => {
    const ids = await ownRecordIds(store, net, key.publicKey)
    return { net: net.name, ids: ids.map((id) => Buffer.from(id).toString('hex')) }
  })
  addRoute(app, networkRoutes.getOwnRecord, async ({ params: { id } }) => {
    const bytes = /^[0-9a-f]{64}$/.test(id)
      ? await ownRecord(store, net, key.publicKey, new Uint8Array(Buffer.from(id, 'hex')))
      : undefined
    if (bytes === undefined) {
      throw new NodeError('NOTHING_MATCHED', `this node keeps no record ${id} of its own`, {
        next: 'records end with what they are about: offers within minutes',
      })
    }
    return { id, base64: Buffer.from(bytes).toString('base64') }
  })
}
