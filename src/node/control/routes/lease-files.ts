import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply } from 'fastify'
import {
  type LeaseContent,
  type LeaseDirectory,
  leaseFileRoutes,
} from '../../../api/lease-files.ts'
import { codeOf, NodeError } from '../../../errors.ts'
import type { FoundEntry } from '../../../protocols/session-files.ts'
import { archiveOut } from '../../copy/archive-out.ts'
import { nameOf } from '../../copy/copy-ends.ts'
import { copyStreamIn } from '../../copy/copy-in.ts'
import { CopyJob } from '../../copy/copy-job.ts'
import { copyStreamOut, noSuch } from '../../copy/copy-out.ts'
import { keepCopying } from '../../copy/keep-copying.ts'
import { listFolder } from '../../copy/list-folder.ts'
import { lookAt, type RentersTalk } from '../../copy/look-at.ts'
import { roomFor } from '../../copy/room-for.ts'
import { type FoundLease, findLease } from '../../leases/find-lease.ts'
import { viewOf } from '../../leases/lease-view.ts'
import { openSession } from '../../leases/open-session.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import { addRoute, addStream } from '../add-route.ts'
import { createDownload } from '../download.ts'

/** Digests of so many transfers are remembered. */
const KEPT_DIGESTS = 256

/** Files of a lease for programs that speak plain HTTP: browsers, curl. */
export function leaseFilesRoute(
  app: FastifyInstance,
  { renting: book }: { renting: RentBook },
): void {
  const digests = createDigests()

  addRoute(app, leaseFileRoutes.listLeaseDirectory, async ({ params, query, signal }) => {
    const visit = visitOf(book, await findLease(book, params.id), { user: query.user, signal })
    const list = (withTargets: boolean) =>
      once(visit, (talk) => listFolder(talk, query.path, { withTargets }))
    const listed = await list(true).catch((error: unknown) => {
      // A link that goes meanwhile ends the session: the rest can be told all the same.
      if (codeOf(error) === 'FAILED_FILES') return list(false)
      throw error
    })
    const { path, entries, hidden, targets } = listed
    return { path, items: entries.map((one) => itemOf(one, targets.get(one.path))), hidden }
  })

  addStream(app, leaseFileRoutes.readLeaseContent, async ({ params, query, signal }, _, reply) => {
    const found = await findLease(book, params.id)
    const { path, user } = query
    const visit = visitOf(book, found, { user, signal })
    const entry = await once(visit, async (talk) => (await lookAt(talk, path, false)).get(''))
    if (entry === undefined) throw noSuch(path)
    if (entry.type === 'folder') return sendArchive(reply, visit, path)
    if (entry.type === 'file') {
      return digests.keep(found.id, await sendFile(reply, visit, { path, bytes: entry.size }))
    }
    throw new NodeError('REFUSED_NO_FILE', `${path} is a device, a pipe or a socket`)
  })

  addStream(
    app,
    leaseFileRoutes.writeLeaseContent,
    async ({ params, query, signal }, request, reply) => {
      const found = await findLease(book, params.id)
      const visit = visitOf(book, found, { user: query.user, signal })
      const { 'content-length': length } = request.headers
      const bytes = length === undefined ? undefined : Number(length)
      assertRoom(book, found, query.path, bytes)
      const body = bodyOf(request.body, bytes)
      const content = await takeFile(visit, body, query)
      digests.keep(found.id, content)
      return reply.send(content)
    },
  )

  addRoute(app, leaseFileRoutes.getLeaseDigest, async ({ params, query }) => {
    const { id } = await findLease(book, params.id)
    const known = digests.find(id, query.path)
    if (known !== undefined) return known
    throw new NodeError('NOTHING_MATCHED', `${query.path} was not sent or taken lately`, {
      next: 'take it first: GET /v1/leases/ID/content',
    })
  })
}

/** What a session of files is opened with. */
interface Visit {
  readonly open: () => ReturnType<typeof openSession>
  readonly signal: AbortSignal
}

const visitOf = (
  book: RentBook,
  found: FoundLease,
  { user, signal }: { readonly user: string | undefined; readonly signal: AbortSignal },
): Visit => ({
  open: () =>
    openSession(book, found, { kind: 'files', ...(user === undefined ? {} : { user }) }, signal),
  signal,
})

/** One talk with the miner; a connection that breaks is made anew where the work can be done again. */
async function once<T>(visit: Visit, work: (talk: RentersTalk) => Promise<T>): Promise<T> {
  const done: T[] = []
  await keepCopying({
    ...visit,
    ...{ job: new CopyJob(), resumes: true, onLost: () => undefined },
    work: async (talk) => void done.push(await work(talk)),
  })
  return done.at(-1)!
}

const itemOf = (
  { path, type, size, mode, mtime }: FoundEntry,
  target: string | undefined,
): LeaseDirectory['items'][number] => ({
  ...{ name: path, kind: type, bytes: size, mode, changedAtMs: mtime * 1000 },
  ...(target === undefined ? {} : { target }),
})

/** Goes on over another connection where one broke. */
async function sendFile(
  reply: FastifyReply,
  visit: Visit,
  { path, bytes }: { readonly path: string; readonly bytes: number },
): Promise<LeaseContent> {
  const download = createDownload(reply, { name: nameOf(path), bytes, signal: visit.signal })
  const place = { offset: 0, hash: createHash('sha256') }
  const job = new CopyJob()
  try {
    const work = (talk: RentersTalk) =>
      copyStreamOut(talk, { from: path, to: download.write, place }, job)
    await keepCopying({ ...visit, job, resumes: true, onLost: () => undefined, work })
    await download.end()
  } catch (error) {
    return download.fail(error)
  }
  return { path, bytes: place.offset, sha256: place.hash.digest('hex') }
}

async function sendArchive(reply: FastifyReply, visit: Visit, path: string): Promise<void> {
  const name = nameOf(path).replace(/^\.+$/, '') || 'files'
  const download = createDownload(reply, {
    ...{ name: `${name}.tar`, type: 'application/x-tar', signal: visit.signal },
  })
  const job = new CopyJob()
  try {
    const work = (talk: RentersTalk) =>
      archiveOut(talk, { from: path, name, to: download.write }, job)
    await keepCopying({ ...visit, job, resumes: false, onLost: () => undefined, work })
    await download.end()
  } catch (error) {
    download.fail(error)
  }
}

/** A body that breaks off is the caller's; the connection stays, for the answer. */
async function takeFile(
  visit: Visit,
  body: Readable,
  { path, sha256 }: { readonly path: string; readonly sha256?: string | undefined },
): Promise<LeaseContent> {
  const job = new CopyJob()
  let digest = new Uint8Array()
  const work = async (talk: RentersTalk): Promise<void> => {
    const there = (await lookAt(talk, path, false)).get('')
    if (there?.type === 'folder') {
      throw new NodeError('REFUSED_NO_FILE', `${path} is a folder`, { next: 'name a file in it' })
    }
    const from = body.iterator({ destroyOnReturn: false })
    digest = Uint8Array.from(await copyStreamIn(talk, { from, to: path, once: true, sha256 }, job))
  }
  await keepCopying({ ...visit, job, resumes: false, onLost: () => undefined, work })
  return { path, bytes: job.bytes, sha256: Buffer.from(digest).toString('hex') }
}

/** Of a body without a byte nothing comes. */
function bodyOf(body: unknown, bytes: number | undefined): Readable {
  if (body instanceof Readable) return body
  if (bytes === 0) return Readable.from([])
  throw new NodeError('BAD_CONFIG_VALUE', 'the body is the file, as application/octet-stream')
}

/** Before anything comes: where a share is only measured, a lease that exceeds it would be ended for it. */
function assertRoom(
  book: RentBook,
  { id, mine }: FoundLease,
  path: string,
  bytes: number | undefined,
): void {
  if (mine === undefined || bytes === undefined) return
  const room = roomFor(viewOf(book, book.live.get(id)?.lease ?? mine.lease), path)
  if (room === undefined || bytes <= room) return
  throw new NodeError('FAILED_LEASE_DISK', `the lease may write ${room} bytes more on its disk`, {
    next: 'make room in it, write into a volume, or rent where there is more disk',
  })
}

function createDigests() {
  const kept = new Map<string, LeaseContent>()
  const keyOf = (lease: string, path: string): string => `${lease}\0${path}`
  return {
    keep(lease: string, content: LeaseContent): void {
      const key = keyOf(lease, content.path)
      kept.delete(key)
      kept.set(key, content)
      if (kept.size > KEPT_DIGESTS) kept.delete(kept.keys().next().value!)
    },
    find: (lease: string, path: string) => kept.get(keyOf(lease, path)),
  }
}
