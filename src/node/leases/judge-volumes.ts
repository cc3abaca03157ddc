import { NodeError } from '../../errors.ts'
import type { AgreedVolume, AskedVolume } from '../../protocols/volumes.ts'
import { MiB } from '../../units.ts'
import { type HostedVolume, MAX_VOLUMES_PER_MINER, type VolumePolicy } from './volume-records.ts'

/** A volume that a lease, or a quote, has. */
export interface VolumeInUse extends AgreedVolume {
  readonly renter: string
}

export interface VolumeSide {
  readonly policy: VolumePolicy
  /** Those that are not removed. */
  readonly kept: readonly HostedVolume[]
  readonly inUse: readonly VolumeInUse[]
}

/**
 * What a renter gets of the volumes it asks for, with their sizes: its own alone are looked at, so a name says nothing
 * about those of others.
 * @throws REFUSED_VOLUME for what the miner's policy or the volume excludes; REFUSED_VOLUME_BUSY while another lease
 *   writes to it
 */
export function judgeVolumes(
  { policy, kept, inUse }: VolumeSide,
  renter: string,
  asked: readonly AskedVolume[],
): AgreedVolume[] {
  if (policy.totalMiB === 0) throw refused('this miner keeps no volumes')
  const own = kept.filter((volume) => volume.renter === renter)
  const quoted = inUse.filter(({ name, renter: whose }) => !has(kept, whose, name))
  const agreed = asked.map((volume) => {
    const there = own.find(({ name }) => name === volume.name)
    const promised = quoted.find(
      ({ name, renter: whose }) => whose === renter && name === volume.name,
    )
    const sizeMiB = there?.sizeMiB ?? promised?.sizeMiB ?? volume.sizeMiB ?? sizeOf(policy, volume)
    if (volume.sizeMiB !== undefined && volume.sizeMiB !== sizeMiB) {
      throw refused(
        `volume ${volume.name} has ${sizeMiB} MiB`,
        'leave its size out, or use another name',
      )
    }
    if (there === undefined && promised === undefined && volume.readOnly === true) {
      throw refused(`there is no volume ${volume.name} to read`, 'compute-node volumes lists yours')
    }
    checkFree(
      volume,
      there,
      inUse.filter((use) => use.renter === renter && use.name === volume.name),
    )
    return { ...volume, sizeMiB }
  })
  const fresh = agreed.filter(({ name }) => !has(kept, renter, name) && !has(quoted, renter, name))
  checkLimits(
    policy,
    [...own, ...quoted.filter((use) => use.renter === renter), ...fresh],
    'renter',
  )
  checkLimits(policy, [...kept, ...quoted, ...fresh], 'miner')
  return agreed
}

const has = (
  volumes: readonly { readonly renter: string; readonly name: string }[],
  renter: string,
  name: string,
): boolean => volumes.some((volume) => volume.renter === renter && volume.name === name)

const sizeOf = ({ defaultMiB, maxMiBPerRenter }: VolumePolicy, _: AskedVolume): number =>
  Math.min(defaultMiB, maxMiBPerRenter)

/** One lease writes; a volume that is full can only be read, or removed. */
function checkFree(
  { name, readOnly }: AskedVolume,
  there: HostedVolume | undefined,
  uses: readonly VolumeInUse[],
): void {
  if (readOnly === true) return
  if (uses.some((use) => use.readOnly !== true)) {
    throw new NodeError('REFUSED_VOLUME_BUSY', `another lease of yours writes to volume ${name}`, {
      next: `mount it read-only (--volume ${name}:/PATH:ro), or end that lease`,
    })
  }
  if (there !== undefined && isOverfull(there)) {
    throw refused(
      `volume ${name} is full`,
      `mount it read-only (--volume ${name}:/PATH:ro), or remove it: compute-node volumes rm ${name}`,
    )
  }
}

/** Whether more is in a volume than was agreed; one that the storage holds to its size never is. */
export const isOverfull = ({ enforced, usedBytes = 0, sizeMiB }: HostedVolume): boolean =>
  enforced !== true && usedBytes > sizeMiB * MiB

function checkLimits(
  policy: VolumePolicy,
  volumes: readonly { readonly sizeMiB: number }[],
  whose: 'renter' | 'miner',
): void {
  const [count, sizeMiB] =
    whose === 'renter'
      ? [policy.maxPerRenter, policy.maxMiBPerRenter]
      : [MAX_VOLUMES_PER_MINER, policy.totalMiB]
  const sum = volumes.reduce((total, volume) => total + volume.sizeMiB, 0)
  if (volumes.length <= count && sum <= sizeMiB) return
  throw whose === 'renter'
    ? refused(
        `this miner keeps ${count} volumes and ${sizeMiB} MiB for one renter`,
        'ask for less, or remove one: compute-node volumes rm NAME',
      )
    : refused('this miner has no room for more volumes')
}

const refused = (message: string, next = 'take an offer of another miner'): NodeError =>
  new NodeError('REFUSED_VOLUME', message, { next })
