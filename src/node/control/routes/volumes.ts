import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { peerIdText } from '../../../protocols/fields.ts'
import { volumeName } from '../../../protocols/volumes.ts'
import { hexOf } from '../../leases/lease-records.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import {
  dropVolume,
  type FoundVolume,
  findVolumes,
  type SilentMiner,
} from '../../leases/rent-volumes.ts'
import { parsed } from '../parsed.ts'

/** One volume as `GET /v1/volumes` lists it. */
export interface VolumeRow {
  readonly name: string
  readonly miner: string
  readonly sizeMiB: number
  /** Whether the miner's storage holds it to that; else it is measured, and a lease that writes more ends. */
  readonly enforced: boolean
  /** Null before it was measured. */
  readonly usedBytes: number | null
  readonly createdAtMs: number
  /** The leases that have it. */
  readonly leases: readonly string[]
  /** When it is removed unless a lease takes it. */
  readonly expiresAtMs: number | null
  readonly removedAtMs: number | null
  readonly reason: string | null
}

export interface VolumesAnswer {
  readonly items: readonly VolumeRow[]
  readonly silent: readonly SilentMiner[]
}

const body = z.strictObject({ miner: peerIdText().optional() })

/** What miners keep for this node beyond its leases. */
export function volumesRoute(app: FastifyInstance, { renting: book }: { renting: RentBook }): void {
  app.get('/v1/volumes', async (): Promise<VolumesAnswer> => {
    const { found, silent } = await findVolumes(book)
    return { items: found.map(rowOf), silent }
  })
  app.post<{ Params: { name: string } }>('/v1/volumes/:name/remove', async (request) => {
    const { miner } = parsed(body, request.body)
    return rowOf(await dropVolume(book, parsed(volumeName(), request.params.name), miner))
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
