import { randomBytes } from 'node:crypto'
import type { EngineVolumes, VolumeMount } from '../../containers/engine-volumes.ts'
import { NodeError } from '../../errors.ts'
import type { LeaseResponse } from '../../protocols/lease.ts'
import type { AgreedVolume, AskedVolume, VolumeStatus } from '../../protocols/volumes.ts'
import { type HostBook, type HostedNow, hostOf } from './host-book.ts'
import type { HostEngine } from './host-engines.ts'
import { judgeVolumes, type VolumeInUse } from './judge-volumes.ts'
import { isRunning } from './lease-machine.ts'
import type { HostedVolume } from './volume-records.ts'

/** Changes of the volumes are one after the other. */
const LOCK = 'volumes'

/** Whether a lease has its volumes, or is about to: quoted, running, or with a container that is not gone yet. */
const hasVolumes = ({ capacity }: HostBook, { id, lease }: HostedNow): boolean =>
  lease.state === 'QUOTED' || isRunning(lease) || capacity.holds(id)

/** The volumes that leases have now; a renter's new quote takes the place of its own before. */
const inUse = (book: HostBook, replacedOf: string | undefined): VolumeInUse[] =>
  [...book.live.values()]
    .filter((now) => hasVolumes(book, now))
    .filter(({ lease, terms }) => lease.state !== 'QUOTED' || terms.renter !== replacedOf)
    .flatMap(({ terms }) => (terms.volumes ?? []).map((use) => ({ ...use, renter: terms.renter })))

/** The leases that have a volume. */
export const usersOf = (book: HostBook, { renter, name }: HostedVolume): HostedNow[] =>
  [...book.live.values()].filter(
    (now) =>
      now.terms.renter === renter &&
      hasVolumes(book, now) &&
      now.terms.volumes?.some((use) => use.name === name) === true,
  )

/**
 * What a renter gets of the volumes it asks for. `draft`: its own quotes, which are about to be dropped, do not count.
 * @throws as `judgeVolumes`
 */
export function quoteVolumes(
  book: HostBook,
  { renter, host }: { readonly renter: string; readonly host: HostEngine },
  asked: readonly AskedVolume[] | undefined,
  when: 'draft' | 'final',
): AgreedVolume[] | undefined {
  if (asked === undefined) return undefined
  if (host.engine instanceof NodeError || host.engine.volumes === undefined) {
    throw new NodeError('REFUSED_VOLUME', 'this miner keeps no volumes', {
      next: 'take an offer of another miner: engine=docker finds them',
    })
  }
  const kept = book.volumes.filter(({ removed }) => removed === undefined)
  for (const { name } of asked) requireThere(book, ownOf(book, renter, name), host)
  const side = {
    policy: book.volumePolicy,
    kept,
    inUse: inUse(book, when === 'draft' ? renter : undefined),
  }
  return judgeVolumes(side, renter, asked)
}

/** A volume stays on the machine where it was made; another offer of this miner may be of that. */
function requireThere(book: HostBook, volume: HostedVolume | undefined, host: HostEngine): void {
  if (volume === undefined || book.engines.named(volume.hostEngine) === host) return
  throw new NodeError(
    'REFUSED_TERMS',
    `volume ${volume.name} is on another machine of this miner`,
    {
      next: 'take the offer of this miner whose lease made it, or use another name',
    },
  )
}

/** Makes the volumes of a lease that starts be there: the record first, so that none is ever without an owner. */
export function prepareVolumes(book: HostBook, now: HostedNow): Promise<VolumeMount[]> {
  const { volumes = [], renter } = now.terms
  return book.locks.run(LOCK, async () => {
    const mounts: VolumeMount[] = []
    for (const use of volumes) {
      const host = hostOf(book, now.lease)
      const volume = ownOf(book, renter, use.name) ?? (await recordNew(book, renter, host, use))
      requireThere(book, volume, host)
      const { id, sizeMiB } = volume
      const { enforced } = await engineVolumes(host).ensure({ id, sizeMiB })
      await saveVolume(book, { ...volume, enforced, usedAtMs: book.nowMs() })
      mounts.push({ id, path: use.path, readOnly: use.readOnly === true })
    }
    return mounts
  })
}

const ownOf = ({ volumes }: HostBook, renter: string, name: string): HostedVolume | undefined =>
  volumes.find(
    (volume) => volume.renter === renter && volume.name === name && volume.removed === undefined,
  )

async function recordNew(
  book: HostBook,
  renter: string,
  host: HostEngine,
  { name, sizeMiB, readOnly }: AgreedVolume,
): Promise<HostedVolume> {
  // It was there when this was agreed, and its time was over, or its owner removed it, since.
  if (readOnly === true) throw new NodeError('REFUSED_VOLUME', `volume ${name} is gone`)
  const atMs = book.nowMs()
  const id = randomBytes(16).toString('hex')
  const made = { id, renter, name, sizeMiB, createdAtMs: atMs, usedAtMs: atMs }
  const volume = host.name === undefined ? made : { ...made, hostEngine: host.name }
  await saveVolume(book, volume)
  return volume
}

/** Writes a volume's next state, then shows it. */
export async function saveVolume(book: HostBook, volume: HostedVolume): Promise<void> {
  await book.volumeRecords.put(volume)
  const at = book.volumes.findIndex(({ id }) => id === volume.id)
  if (at < 0) book.volumes.push(volume)
  else book.volumes[at] = volume
}

/** An engine's; ENGINE_UNSUPPORTED where it has none. */
export function engineVolumes({ engine }: HostEngine): EngineVolumes {
  if (!(engine instanceof NodeError) && engine.volumes !== undefined) return engine.volumes
  throw new NodeError('ENGINE_UNSUPPORTED', 'no engine that keeps volumes answers here')
}

/** What a renter keeps here, and what it lost lately; nobody else's. */
export const answerVolumes = (book: HostBook, renter: string): LeaseResponse => ({
  kind: 'volumes',
  volumes: book.volumes
    .filter((volume) => volume.renter === renter)
    .toSorted((a, b) => b.createdAtMs - a.createdAtMs)
    .slice(0, 64)
    .map((volume) => statusOf(book, volume)),
})

function statusOf(book: HostBook, volume: HostedVolume): VolumeStatus {
  const { name, sizeMiB, enforced = false, usedBytes, createdAtMs, usedAtMs, removed } = volume
  const users = removed === undefined ? usersOf(book, volume) : []
  return {
    name,
    sizeMiB,
    enforced,
    createdAtMs,
    leases: users.map(({ lease }) => lease.leaseId),
    ...(usedBytes === undefined ? {} : { usedBytes }),
    ...(users.length > 0 || removed !== undefined
      ? {}
      : { expiresAtMs: usedAtMs + book.volumePolicy.ttlMs }),
    ...(removed === undefined ? {} : { removed: { atMs: removed.atMs, reason: removed.reason } }),
  }
}

/** Removes a renter's volume. @throws REFUSED_VOLUME when there is none, REFUSED_VOLUME_BUSY while a lease has it */
export async function removeOwn(
  book: HostBook,
  renter: string,
  name: string,
): Promise<LeaseResponse> {
  await book.locks.run(LOCK, async () => {
    const volume = ownOf(book, renter, name)
    if (volume === undefined) {
      throw new NodeError('REFUSED_VOLUME', `there is no volume ${name} of yours here`, {
        next: 'compute-node volumes lists them',
      })
    }
    if (usersOf(book, volume).length > 0) {
      throw new NodeError('REFUSED_VOLUME_BUSY', `a lease of yours has volume ${name}`, {
        next: 'end it first: compute-node stop LEASE',
      })
    }
    await discard(book, volume, 'removed by its owner')
  })
  return answerVolumes(book, renter)
}

/**
 * Removes a volume for a reason that its owner is told: written first, so that a run after this one goes on with it.
 * Under the lock of the volumes.
 */
export async function discard(book: HostBook, volume: HostedVolume, reason: string): Promise<void> {
  const { removed = { atMs: book.nowMs(), reason, gone: false } } = volume
  await saveVolume(book, { ...volume, removed })
  await engineVolumes(book.engines.named(volume.hostEngine)).remove(volume.id)
  await saveVolume(book, { ...volume, removed: { ...removed, gone: true } })
  const { id, renter, name } = volume
  book.log.info('volume-removed', { volume: id, renter, name, reason: removed.reason })
}

/** For whoever changes several. */
export const withVolumes = <T>(book: HostBook, work: () => Promise<T>): Promise<T> =>
  book.locks.run(LOCK, work)
