import type { FastifyInstance } from 'fastify'
import { NodeError } from '../../../errors.ts'
import type { Core } from '../../core.ts'
import { ownRecord, ownRecordIds } from '../../own-records.ts'

/** Ids, in hex, of the offers, receipts and attestations that this node signed and keeps. */
export interface OwnRecordsAnswer {
  /** The market whose records they are. */
  readonly net: string
  readonly ids: readonly string[]
}

/** One of them as it travels. */
export interface OwnRecordDocument {
  readonly id: string
  readonly base64: string
}

/** `GET /v1/own-records` and `GET /v1/own-records/ID`: what an anchor holds (docs/chain.md). */
export function ownRecordsRoute(
  app: FastifyInstance,
  { core }: { readonly core: Pick<Core, 'store' | 'net' | 'key'> },
): void {
  const { store, net, key } = core
  app.get('/v1/own-records', async (): Promise<OwnRecordsAnswer> => {
    const ids = await ownRecordIds(store, net, key.publicKey)
    return { net: net.name, ids: ids.map((id) => Buffer.from(id).toString('hex')) }
  })
  app.get<{ Params: { id: string } }>('/v1/own-records/:id', async ({ params: { id } }) => {
    const bytes = /^[0-9a-f]{64}$/.test(id)
      ? await ownRecord(store, net, key.publicKey, new Uint8Array(Buffer.from(id, 'hex')))
      : undefined
    if (bytes === undefined) {
      throw new NodeError('NOTHING_MATCHED', `this node keeps no record ${id} of its own`, {
        next: 'records end with what they are about: offers within minutes',
      })
    }
    return { id, base64: Buffer.from(bytes).toString('base64') } satisfies OwnRecordDocument
  })
}
