import { z } from 'zod'
import { whole } from './common.ts'
import { leaseNamed } from './leases.ts'
import { route } from './route.ts'

const path = z
  .string()
  .min(1)
  .max(4095)
  .refine((text) => !text.includes('\0'), 'is no path')

const user = z
  .string()
  .max(129)
  .optional()
  .describe("user of the container, `:group` after it if need be; the image's when absent")

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

const entry = z.strictObject({
  name: z.string(),
  kind: z.enum(['file', 'folder', 'link', 'other']).describe('other: a device, a pipe, a socket'),
  bytes: whole,
  mode: whole.describe('permission bits, with set-id and sticky ones'),
  changedAtMs: whole.describe('to the second'),
  target: z.string().exactOptional().describe('where a link leads; absent where it is unknown'),
})

/** What lies in one folder of a lease. */
export const leaseDirectory = z
  .strictObject({
    path: z.string().describe('absolute and without links, wherever it was asked for'),
    items: z.array(entry).describe('by name'),
    hidden: whole.describe('how many more there are, which are not shown'),
  })
  .meta({ id: 'LeaseDirectory', description: 'What lies in one folder of a lease' })
export type LeaseDirectory = z.infer<typeof leaseDirectory>

/** A file of a lease that was sent or taken as a whole. */
export const leaseContent = z
  .strictObject({
    path: z.string(),
    bytes: whole,
    sha256: z.string().describe('of all of it, hex'),
  })
  .meta({ id: 'LeaseContent', description: 'A file of a lease that was sent or taken as a whole' })
export type LeaseContent = z.infer<typeof leaseContent>

export const leaseFileRoutes = {
  listLeaseDirectory: route({
    method: 'GET',
    path: '/v1/leases/:id/directory',
    scope: 'rent',
    kind: 'json',
    summary: 'What lies in a folder of a lease',
    description:
      'NOTHING_MATCHED: there is no such path. REFUSED_NO_FOLDER: it is a file. REFUSED_COPIES: eight copies go on in the lease. At most 10 000 entries.',
    params: leaseNamed,
    query: z.object({
      path: path.default('.').describe('a relative one begins where commands do'),
      user,
    }),
    answer: leaseDirectory,
  }),
  readLeaseContent: route({
    method: 'GET',
    path: '/v1/leases/:id/content',
    scope: 'rent',
    kind: 'stream',
    summary: 'A file of a lease, or a folder as a tar archive',
    description:
      'Always an attachment. Each file is checked by its SHA-256: the last bytes come only when all were right, and what cannot be finished is cut off, short of its Content-Length (a file) or of its last chunk (an archive). `GET /v1/leases/:id/digest` tells the SHA-256 of a file afterwards. Of a folder, links that lead out of it, devices, pipes and sockets are left out, as with `compute-node cp`.',
    params: leaseNamed,
    query: z.object({ path, user }),
  }),
  writeLeaseContent: route({
    method: 'PUT',
    path: '/v1/leases/:id/content',
    scope: 'rent',
    kind: 'stream',
    summary: 'Writes a file of a lease',
    description:
      'The body is the file, as application/octet-stream. It is written beside its place and moved there when all of it came and its SHA-256 was right; whatever else happens, what was there before stays and nothing of it is left. Parents are made. BAD_MESSAGE_CHECKSUM: the body is not what `sha256` says. FAILED_LEASE_DISK: there is no room.',
    params: leaseNamed,
    query: z.object({ path, user, sha256: sha256.optional().describe('of the body, hex') }),
    answer: leaseContent,
  }),
  getLeaseDigest: route({
    method: 'GET',
    path: '/v1/leases/:id/digest',
    scope: 'rent',
    kind: 'json',
    summary: 'The SHA-256 of a file of a lease that was sent or taken last',
    description:
      'Of the newest 256 transfers by this node. NOTHING_MATCHED: it is none of them, or did not end well.',
    params: leaseNamed,
    query: z.object({ path }),
    answer: leaseContent,
  }),
}
