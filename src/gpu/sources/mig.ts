import { KiB } from '../../units.ts'
import { type Gpu, NO_FIGURES } from '../gpu.ts'
import type { GpuReading } from './source.ts'

/** One slice of a GPU that is divided (MIG): to CUDA and to containers, a GPU of its own. */
export interface MigDevice {
  /** The GPU it is a part of, as the driver counts them. */
  readonly parentIndex: number
  readonly profile: string
  readonly uuid: string
  /** Undefined where only the profile tells its size. */
  readonly vramMiB?: number | undefined
}

/** Parses `nvidia-smi -L`, which alone names slices: `  MIG 3g.40gb     Device  0: (UUID: MIG-…)` under their GPU. */
export function parseMigDevices(listing: string): MigDevice[] {
  const found: MigDevice[] = []
  let parentIndex = -1
  for (const line of listing.split('\n')) {
    parentIndex = Number(/^GPU (\d+):/.exec(line)?.[1] ?? parentIndex)
    const slice = /^\s+MIG\s+(\S+)\s+Device\s+\d+:\s+\(UUID:\s*([^)\s]+)\)/.exec(line)
    if (slice !== null) found.push({ parentIndex, profile: slice[1]!, uuid: slice[2]! })
  }
  return found
}

type Parent = GpuReading & { readonly index: number; readonly migEnabled: boolean }

/** In place of a divided GPU its slices; one without any slice cannot compute, and says so. */
export function withMigSlices(gpus: readonly Parent[], slices: readonly MigDevice[]): GpuReading[] {
  return gpus.flatMap(({ index, migEnabled, ...reading }): GpuReading[] => {
    if (!migEnabled) return [reading]
    const own = slices.filter(({ parentIndex }) => parentIndex === index)
    if (own.length > 0) return own.map((slice) => sliceReading(reading, slice))
    return [{ ...reading, fault: 'MIG is on and no slice was made (nvidia-smi mig -cgi)' }]
  })
}

/** Heat and power are the whole GPU's; load, memory and programs of a slice are not told apart. */
const sliceReading = (parent: GpuReading, slice: MigDevice): GpuReading => ({
  gpu: sliceOf(parent.gpu, slice),
  figures: {
    ...NO_FIGURES,
    temperatureC: parent.figures.temperatureC,
    powerW: parent.figures.powerW,
    powerLimitW: parent.figures.powerLimitW,
    eccErrors: parent.figures.eccErrors,
    lastError: parent.figures.lastError,
  },
  ...(parent.fault === undefined ? {} : { fault: parent.fault }),
})

const sliceOf = (parent: Gpu, { profile, uuid, vramMiB }: MigDevice): Gpu => ({
  ...parent,
  id: uuid.toLowerCase().slice(0, 64),
  uuid,
  name: `${parent.name} MIG ${profile}`,
  vramMiB: vramMiB ?? nominalMiB(profile),
  mig: { parent: parent.id, profile },
})

/** `3g.40gb` is 40 GiB in name; the driver keeps up to 5 % of it. 0 where the profile does not say. */
const nominalMiB = (profile: string): number => Number(/(\d+)gb/.exec(profile)?.[1] ?? 0) * KiB
