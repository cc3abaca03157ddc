import type { Gpu } from '../../gpu/gpu.ts'
import { detectGpus } from '../../gpu/inventory.ts'
import { slotNetworks } from '../../gpu/slot-network.ts'
import type { Config } from '../config.ts'
import { createOutput } from '../output.ts'
import type { Run } from './command.ts'

/** A device of this machine with whether it proves on the chosen network. */
export interface GpuRow extends Gpu {
  readonly proves: boolean
}

/** Lists what this machine has: its GPUs, or its CPU where there is none. */
export const gpuList: Run = async ({ config, terminal }) => {
  const rows = (await detectGpus()).map((gpu) => ({ ...gpu, proves: proves(gpu, config) }))
  const output = createOutput(terminal, config)
  output.list<GpuRow>(rows, {
    id: ({ id }) => id,
    columns: [
      { title: 'ID', value: ({ id }) => id },
      { title: 'NAME', value: ({ name }) => name, shrinks: true },
      { title: 'MEMORY', value: ({ vramMiB }) => `${vramMiB} MiB`, align: 'right' },
      { title: 'DRIVER', value: ({ driver }) => driver },
      { title: 'CC', value: ({ computeCapability }) => computeCapability },
      { title: 'BACKEND', value: ({ backend }) => backend },
      { title: 'PROVES', value: (row) => (row.proves ? 'yes' : 'no') },
    ],
  })
  if (rows.every(({ backend }) => backend === 'cpu')) {
    output.note('no GPU here: CPU capacity, which counts on local networks alone')
  }
  return 0
}

/** Backends exist for the CPU so far, and it counts where the network says so. */
const proves = ({ backend }: Gpu, { network }: Config): boolean =>
  backend === 'cpu' && slotNetworks[network].cpuProves
