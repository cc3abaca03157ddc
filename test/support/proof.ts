import { devBeacon } from '../../src/beacon.ts'
import { createCpuBackend } from '../../src/gpu/cpu-backend.ts'
import { concat } from '../../src/gpu/hash.ts'
import { loadKernels } from '../../src/gpu/kernels.ts'
import { openRows, runWork } from '../../src/gpu/prove-work.ts'
import { FILL_UNIT_BYTES } from '../../src/gpu/resident-fill.ts'
import { type Announcement, gemmSeed, gemmStatement, type Tick } from '../../src/gpu/slot.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { tickChain } from '../../src/gpu/tick-chain.ts'
import type { Transcript } from '../../src/gpu/transcript.ts'

export const beacon = devBeacon(new Uint8Array(32).fill(3), 1000, 0)
const net = slotNetworks.local

/** An honest proof of one slot, small and fast: what a miner would have sent. `seal` signs its Final. */
export async function honestProof(
  gpu: Announcement,
  slot: number,
  steps: number,
  seal: (final: Tick) => Uint8Array,
) {
  const start = beacon.sign(slot + net.starts.gemm)
  const open = beacon.sign(slot + net.open)
  const seed = gemmSeed(gpu, start)
  const backend = createCpuBackend({ threads: 1 })
  await backend.prepare({ n: gpu.n, bytes: FILL_UNIT_BYTES })
  const roots: Uint8Array[] = []
  const goesOn = (): boolean => roots.length < steps
  await runWork(backend, { work: 'gemm', seed }, goesOn, (root) => roots.push(root))
  const counts = [steps]
  const head = tickChain(seed, counts, concat(roots)).at(-1)!
  const final: Tick = { slot, gpu: gpu.gpuId, work: 'gemm', k: 1, count: steps, head }
  const statement = gemmStatement(gpu, start, open, final)
  const openings = await openRows(backend, loadKernels(), {
    statement,
    counts,
    limits: net.gemm,
  })
  const transcript: Transcript = {
    version: 1,
    network: 'local',
    genesis: gpu.genesis,
    netuid: gpu.netuid,
    hotkey: gpu.hotkey,
    peerId: gpu.peerId,
    gpu: gpu.gpuId,
    n: gpu.n,
    slot,
    work: 'gemm',
    beacon: {
      name: beacon.name,
      publicKey: beacon.publicKey,
      periodMs: beacon.periodMs,
      genesisMs: beacon.genesisMs,
    },
    startPulse: { round: start.round, signature: start.signature },
    openPulse: { round: open.round, signature: open.signature },
    final: seal(final),
    ...openings,
    counts,
  }
  return { transcript, statement, final, start, open }
}
