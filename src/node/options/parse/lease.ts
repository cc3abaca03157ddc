import { peerIdText } from '../../../protocols/fields.ts'
import { imageName } from '../../../protocols/image-name.ts'
import { snapshotTag } from '../../../protocols/session-snapshot.ts'
import { type AskedVolume, askedVolumes } from '../../../protocols/volumes.ts'
import { hoursMs, MiB } from '../../../units.ts'
import { size } from './measures.ts'
import { expected, type Parse } from './parse.ts'

/** The hours of a lease: terms are for a second at least, for a leap year at most (protocols/terms.ts). */
export const leaseHours: Parse<number> = (raw) => {
  const value = Number(raw)
  if (raw.trim() === '' || !(hoursMs(value) >= 1000 && value <= 24 * 366)) {
    throw expected('hours such as 2 or 0.5, at most 8784 (a year)', raw)
  }
  return value
}

/** Money as a decimal string, at most 6 places. */
export const price: Parse<string> = (raw) => {
  if (!/^\d{1,12}(\.\d{1,6})?$/.test(raw)) throw expected('a price such as 1.25', raw)
  return raw
}

/** The name of a container image. */
export const image: Parse<string> = (raw) => {
  if (!imageName().safeParse(raw).success) {
    throw expected('an image such as pytorch/pytorch or registry.example/name:tag', raw)
  }
  return raw
}

/** The name that a snapshot's image has in its file. */
export const imageTag: Parse<string> = (raw) => {
  if (!snapshotTag().safeParse(raw).success) throw expected('a name such as my-image:1', raw)
  return raw
}

const isPeerId = (raw: string): boolean => peerIdText().safeParse(raw).success

/** A PeerId. */
export const peer: Parse<string> = (raw) => {
  if (!isPeerId(raw)) throw expected('a PeerId such as compute-node status shows', raw)
  return raw
}

/** A PeerId, or the word that takes a list of them back. */
export const peerOr =
  (word: string): Parse<string> =>
  (raw) => {
    if (raw.toLowerCase() === word) return word
    if (isPeerId(raw)) return raw
    throw expected(`a PeerId, or ${word}`, raw)
  }

/** A name of one request among all of its kind; as an HTTP header carries it. */
export const idempotencyKey: Parse<string> = (raw) => {
  if (typeof raw === 'string' && /^[\x21-\x7e]{1,128}$/.test(raw)) return raw
  throw expected('1 to 128 printable ASCII characters without spaces', raw)
}

/** What outlives a lease and where it appears in it: `NAME:/PATH`, then a size and `ro` as they are wanted. */
export const volume: Parse<AskedVolume> = (raw) => {
  const [name = '', path = '', ...rest] = raw.split(':')
  const readOnly = rest.at(-1) === 'ro'
  const [sized, more] = readOnly ? rest.slice(0, -1) : rest
  const asked = {
    name,
    path,
    ...(sized === undefined ? {} : { sizeMiB: Math.ceil(size(sized) / MiB) }),
    ...(readOnly ? { readOnly } : {}),
  }
  const found = askedVolumes().safeParse([asked])
  if (more === undefined && found.success) return found.data[0]!
  throw expected('a volume such as data:/data, data:/data:10GiB or data:/data:ro', raw)
}
