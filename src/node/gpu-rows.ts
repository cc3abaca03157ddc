import type { Gpu, GpuFigures } from '../gpu/gpu.ts'
import { slotNetworks } from '../gpu/slot-network.ts'
import type { Config } from './config.ts'
import type { GpuStanding } from './own-gpus.ts'

/** A device of this machine with what its driver says of it now, as `gpu list` and the control API show it. */
export interface GpuRow extends Gpu, GpuFigures {
  readonly atMs: number
  /** `paused` by its owner's limits, which only a running node keeps. */
  readonly state: 'ok' | 'lost' | 'paused'
  /** Why it is not ok. */
  readonly reason: string | null
  /** Whether it proves on the chosen network. */
  readonly proves: boolean
}

export const gpuRow = (
  { sample, paused }: Pick<GpuStanding, 'sample' | 'paused'>,
  config: Pick<Config, 'network'>,
): GpuRow => ({
  ...sample.gpu,
  ...sample.figures,
  atMs: sample.atMs,
  state: sample.state === 'lost' ? 'lost' : paused === null ? 'ok' : 'paused',
  reason: sample.reason ?? paused,
  proves: proves(sample.gpu, config),
})

/** Backends exist for the CPU so far, and it counts where the network says so. */
const proves = ({ backend }: Gpu, { network }: Pick<Config, 'network'>): boolean =>
  backend === 'cpu' && slotNetworks[network].cpuProves
