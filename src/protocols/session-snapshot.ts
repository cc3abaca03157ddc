import { z } from 'zod'
import { bytes, integer } from './fields.ts'

/** A name that `docker load` gives the image: path and tag, without a registry or a digest. */
export const snapshotTag = (): z.ZodType<string> =>
  z
    .string()
    .max(128)
    .regex(
      /^[a-z0-9]+([._-][a-z0-9]+)*(\/[a-z0-9]+([._-][a-z0-9]+)*)*:[A-Za-z0-9_][A-Za-z0-9._-]*$/,
      'must be a name such as my-image:1',
    )

/**
 * The lease's container as an image, a tar archive that `docker load` takes, on the channel of stdout. Volumes and the
 * miner's tools are not in it. Its renter alone may ask.
 */
export const snapshotRequest = z.looseObject({
  leaseId: bytes(32),
  kind: z.literal('snapshot'),
  tag: snapshotTag(),
  /** Whether everything inside stands still while it is read: else files may be caught half-written. */
  pause: z.boolean(),
  /** A larger one is refused, or broken off. */
  maxBytes: integer(1, Number.MAX_SAFE_INTEGER).optional(),
  /** What came of it before the connection broke, with its SHA-256: the miner keeps the image for a while, and goes on. */
  have: z.looseObject({ bytes: integer(0, Number.MAX_SAFE_INTEGER), sha256: bytes(32) }).optional(),
})
