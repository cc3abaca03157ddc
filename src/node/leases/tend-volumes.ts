import { messageOf, NodeError } from '../../errors.ts'
import { endingOf } from '../../protocols/lease-endings.ts'
import type { HostBook } from './host-book.ts'
import type { HostEngine } from './host-engines.ts'
import { closeLease } from './host-run.ts'
import { discard, engineVolumes, saveVolume, usersOf, withVolumes } from './host-volumes.ts'
import { isOverfull } from './judge-volumes.ts'
import { isStarted } from './lease-machine.ts'
import type { HostedVolume } from './volume-records.ts'

/**
 * Brings records and engine together, after a crash too: what the engine has without a record is removed, what it lost
 * is told its owner, and a removal that was begun goes on. An engine that does not answer changes nothing.
 */
export async function reconcileVolumes(book: HostBook): Promise<void> {
  await onEach(book, (host) => reconcileOn(book, host))
}

/** Does it on every engine that keeps volumes; one that does not answer keeps nobody from the others. */
async function onEach(book: HostBook, work: (host: HostEngine) => Promise<void>): Promise<void> {
  const keepers = book.engines.all.filter(
    ({ engine }) => !(engine instanceof NodeError) && engine.volumes !== undefined,
  )
  const all = keepers.map(async (host) => {
    try {
      await work(host)
    } catch (error) {
      book.log.warn('volumes-unknown', { engine: host.name, reason: messageOf(error) })
    }
  })
  await Promise.all(all)
}

async function reconcileOn(book: HostBook, host: HostEngine): Promise<void> {
  const before = new Set(book.volumes)
  // Asked outside the lock: a silent engine holds up no lease of another one.
  const listed = await engineVolumes(host).list()
  await withVolumes(book, async () => {
    const there = new Set(listed.map(({ id }) => id))
    for (const id of there) {
      if (book.volumes.some((volume) => volume.id === id && volume.removed?.gone !== true)) continue
      await trying(book, id, () => engineVolumes(host).remove(id))
    }
    // Of what changed since, the list says nothing.
    for (const volume of book.volumes.filter((one) => before.has(one) && isOn(book, one, host))) {
      const { id, removed, enforced } = volume
      if (removed !== undefined && !removed.gone) {
        await trying(book, id, () => discard(book, volume, removed.reason))
      } else if (removed === undefined && !there.has(id) && usersOf(book, volume).length === 0) {
        // Without `enforced` it was recorded, and the run ended before it was made.
        const reason = enforced === undefined ? 'it was never made' : 'its container engine lost it'
        await trying(book, id, () => discard(book, volume, reason))
      }
    }
  })
}

/**
 * One look after the volumes: those that leases have are measured, and a lease that wrote more than was agreed ends;
 * those whose time is over are removed, and what is to be told of removed ones is forgotten after as long.
 */
export async function tendVolumes(book: HostBook): Promise<void> {
  const nowMs = book.nowMs()
  await onEach(book, async (host) => {
    const kept = ({ removed }: HostedVolume): boolean => removed === undefined
    const isMeasured = book.volumes.some((volume) => kept(volume) && isOn(book, volume, host))
    if (isMeasured) await measure(book, host)
  })
  await withVolumes(book, async () => {
    for (const volume of [...book.volumes]) {
      const { removed, id, usedAtMs } = volume
      if (removed !== undefined) {
        if (!removed.gone) await trying(book, id, () => discard(book, volume, removed.reason))
        else if (removed.atMs + book.volumePolicy.ttlMs < nowMs) await forget(book, volume)
      } else if (usersOf(book, volume).length > 0) {
        await saveVolume(book, { ...volume, usedAtMs: nowMs })
      } else if (usedAtMs + book.volumePolicy.ttlMs < nowMs) {
        await trying(book, id, () => discard(book, volume, 'no lease had it for its time'))
      }
    }
  })
}

const isOn = ({ engines }: HostBook, volume: HostedVolume, host: HostEngine): boolean =>
  engines.named(volume.hostEngine) === host

async function forget(book: HostBook, { id }: HostedVolume): Promise<void> {
  await book.volumeRecords.forget(id)
  book.volumes.splice(
    book.volumes.findIndex((volume) => volume.id === id),
    1,
  )
}

/** The engine counts outside the lock: it may take minutes. */
async function measure(book: HostBook, host: HostEngine): Promise<void> {
  const used = await engineVolumes(host).usedBytes()
  for (const volume of book.volumes.filter((one) => isOn(book, one, host))) {
    const usedBytes = used.get(volume.id)
    if (usedBytes === undefined || volume.removed !== undefined) continue
    const measured = await withVolumes(book, async () => {
      const current = book.volumes.find(({ id }) => id === volume.id)
      if (current === undefined || current.removed !== undefined) return undefined
      const next = { ...current, usedBytes }
      await saveVolume(book, next)
      return next
    })
    if (measured !== undefined && isOverfull(measured)) await endWriters(book, measured)
  }
}

/** Who only reads did nothing. */
async function endWriters(book: HostBook, volume: HostedVolume): Promise<void> {
  const writers = usersOf(book, volume).filter(
    ({ lease, terms }) =>
      isStarted(lease) &&
      terms.volumes?.some(({ name, readOnly }) => name === volume.name && readOnly !== true),
  )
  for (const now of writers) {
    await closeLease(book, now, endingOf('volume-full', `${volume.name}, ${volume.sizeMiB} MiB`))
  }
}

/** What fails now is tried again at the next look. */
async function trying(book: HostBook, id: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    book.log.warn('volume-stays', { volume: id, reason: messageOf(error) })
  }
}
