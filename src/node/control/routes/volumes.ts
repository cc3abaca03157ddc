import type { FastifyInstance } from 'fastify'
import { type VolumeRow, volumeRoutes } from '../../../api/volumes.ts'
import { peerIdText } from '../../../protocols/fields.ts'
import { volumeName } from '../../../protocols/volumes.ts'
import { hexOf } from '../../leases/lease-records.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import { dropVolume, type FoundVolume, findVolumes } from '../../leases/rent-volumes.ts'
import { addRoute } from '../add-route.ts'
import { parsed } from '../parsed.ts'

/** What miners keep for this node beyond its leases. */
export function volumesRoute(app: FastifyInstance, { renting: book }: { renting: RentBook }): void {
  addRoute(app, volumeRoutes.listVolumes, async () => {
    const { found, silent } = await findVolumes(book)
    return { items: found.map(rowOf), silent }
  })
  addRoute(app, volumeRoutes.removeVolume, async ({ params, body }) => {
    const miner = parsed(peerIdText().optional(), body.miner)
    return rowOf(await dropVolume(book, parsed(volumeName(), params.name), miner))
  })
}

const rowOf = (volume: FoundVolume): VolumeRow => ({
  name: volume.name,
  miner: volume.miner,
  sizeMiB: volume.sizeMiB,
  enforced: volume.enforced,
  usedBytes: volume.usedBytes ?? null,
  createdAtMs: volume.createdAtMs,
  leases: volume.leases.map(hexOf),
  expiresAtMs: volume.expiresAtMs ?? null,
  removedAtMs: volume.removed?.atMs ?? null,
  reason: volume.removed?.reason ?? null,
})
