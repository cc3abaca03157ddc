import { availableParallelism } from 'node:os'
import { sizesIn } from '../src/gpu/leased-proofs.ts'
import { createProver } from '../src/gpu/prover-process.ts'
import { slotNetworks } from '../src/gpu/slot-network.ts'
import { silent } from '../src/log.ts'
import type { Bench } from './support/bench.ts'
import { measureTenantLoss } from './support/tenant-loss.ts'

const TURNS = 3
const SLOTS = 2
const net = slotNetworks.local
const threads = availableParallelism()

export const bench: Bench = {
  name: 'tenant',
  measures: `what a tenant of a leased processor loses to its proofs: a fixed computation of ${threads} threads alone and beside ${SLOTS} slots of a local network, put in proportion to public ones`,
  targets: { publicLossPercent: { atMost: 0.25 } },
  async run(progress) {
    await using tenant = createProver({ backend: 'cpu', threads }, silent)
    await using prover = createProver({ backend: 'cpu', threads }, silent)
    const leasedSizes = sizesIn('leased', net, net.cpuSizes)!
    return await measureTenantLoss({
      ...{ tenant, tenantSizes: net.cpuSizes, prover, leasedSizes, net, progress },
      ...{ turns: TURNS, slots: SLOTS },
    })
  },
}
