import { z } from 'zod'
import { peerId, whole } from './common.ts'
import { route } from './route.ts'

/** A volume, as its renter knows it. */
export const volume = z
  .strictObject({
    name: z.string(),
    miner: peerId,
    sizeMiB: whole,
    enforced: z
      .boolean()
      .describe("whether the miner's storage holds it to that; else it is measured"),
    usedBytes: whole.nullable().describe('null before it was measured'),
    createdAtMs: whole,
    leases: z.array(z.string()).describe('that have it now'),
    expiresAtMs: whole.nullable().describe('when it is removed unless a lease takes it'),
    removedAtMs: whole.nullable(),
    reason: z.string().nullable().describe('why it was removed'),
  })
  .meta({ id: 'Volume', description: 'What a miner keeps for this node beyond its leases' })
export type VolumeRow = z.infer<typeof volume>

/** All volumes of a renter, and who does not answer. */
export const volumes = z.strictObject({
  items: z.array(volume),
  silent: z
    .array(z.strictObject({ miner: peerId, code: z.string(), reason: z.string() }))
    .describe('miners that had some and do not answer'),
})
export type VolumesAnswer = z.infer<typeof volumes>

export const volumeRoutes = {
  listVolumes: route({
    method: 'GET',
    path: '/v1/volumes',
    scope: 'read',
    kind: 'json',
    summary: 'What miners keep for this node beyond its leases; asks each of them',
    answer: volumes,
  }),
  removeVolume: route({
    method: 'POST',
    path: '/v1/volumes/:name/remove',
    scope: 'rent',
    kind: 'json',
    summary: 'Removes a volume with all that is in it',
    params: z.object({ name: z.string().max(64) }),
    body: z.strictObject({
      miner: peerId.optional().describe('absent: the only one that has it'),
    }),
    answer: volume,
  }),
}
