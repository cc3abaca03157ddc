/** A real NVIDIA GPU, wherever there is one: the whole backend, exact at sizes that matter, and what it can do. */
import { describe, expect, test } from 'vitest'
import { measureCuda, usualSizes } from '../../bench/support/cuda-figures.ts'
import { measureTenantLoss } from '../../bench/support/tenant-loss.ts'
import { messageOf } from '../../src/errors.ts'
import { type CudaDeviceFacts, listCudaDevices } from '../../src/gpu/cuda/devices.ts'
import { createCudaBackend } from '../../src/gpu/cuda-backend.ts'
import { GemmChain } from '../../src/gpu/gemm-chain.ts'
import { loadKernels } from '../../src/gpu/kernels.ts'
import { sizesIn } from '../../src/gpu/leased-proofs.ts'
import { createProver } from '../../src/gpu/prover-process.ts'
import { digestOfPage } from '../../src/gpu/residency-proof.ts'
import { LEAF_BYTES, PAGES_PER_LEAF } from '../../src/gpu/resident-fill.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { silent } from '../../src/log.ts'
import { GiB } from '../../src/units.ts'
import { backendConformance } from '../support/backend-conformance.ts'
import { deviceOrSkip } from '../support/skips.ts'

async function able(): Promise<{ devices: CudaDeviceFacts[]; why: string }> {
  try {
    const devices = await listCudaDevices()
    const named = devices.map((d) => `${d.name} (${d.computeCapability})`).join(', ')
    const usable = devices.filter((d) => Number(d.computeCapability) >= 8)
    return { devices: usable, why: `only ${named === '' ? 'an idle driver' : named} is there` }
  } catch (error) {
    return { devices: [], why: messageOf(error) }
  }
}

const { devices, why } = await able()
const [device] = devices
const title = device === undefined ? 'no CUDA device' : `${device.name}, ${device.uuid}`
const has = deviceOrSkip(device !== undefined, `a CUDA device of capability 8.0 or newer (${why})`)

describe.skipIf(!has)(title, { timeout: 600_000 }, () => {
  const create = () => createCudaBackend({ uuid: device!.uuid })
  const seed = new Uint8Array(32).fill(77)

  backendConformance('conforms', create)

  test.each([2048, 4096])('n = %i: every byte of three steps', async (n) => {
    await using backend = await create()
    await backend.prepare({ n, bytes: 2 ** 20 })
    await backend.startChain(seed)
    const chain = new GemmChain(loadKernels(), seed, n)
    const all = Array.from({ length: n }, (_, j) => j)
    for (let step = 0; step < 3; step++) {
      const { root, x } = chain.next()
      expect(await backend.step()).toEqual(root)
      const { rows } = await backend.openRows(all)
      expect(Buffer.compare(rows, x)).toBe(0)
    }
  })

  test('pages all over a fill of a gibibyte and more', async () => {
    const bytes = GiB + 2 ** 20
    await using backend = await create()
    await backend.prepare({ n: 256, bytes })
    await backend.fill(seed, 16)
    await backend.pass(seed)
    const kernels = loadKernels()
    const last = bytes / 4096 - 1
    for (const page of [0, 1, 4095, 131_072, GiB / 4096 - 1, GiB / 4096, last]) {
      const { leaves } = await backend.openLeaves([Math.floor(page / PAGES_PER_LEAF)])
      expect(leaves).toHaveLength(LEAF_BYTES)
      const at = 8 * (page % PAGES_PER_LEAF)
      expect(leaves.slice(at, at + 8)).toEqual(digestOfPage(kernels, seed, seed, page, 16))
    }
  })

  test('what a tenant loses to proofs beside it', async () => {
    const net = slotNetworks.finney
    const open = () => createProver({ backend: 'cuda', uuid: device!.uuid }, silent)
    await using tenant = open()
    await using prover = open()
    const sizes = await usualSizes({ uuid: device!.uuid })
    const leasedSizes = sizesIn('leased', net, sizes)!
    const result = await measureTenantLoss({
      ...{ tenant, tenantSizes: { n: sizes.n, bytes: 2 ** 20 }, prover, leasedSizes, net },
      ...{ turns: 3, slots: 2, progress: console.log },
    })
    console.log(`${title}\n${JSON.stringify(result, null, 2)}`)
    expect(result.figures['provingPercent']).toBeGreaterThan(0)
  })

  test('figures', async () => {
    const options = { uuid: device!.uuid }
    const result = await measureCuda(options, await usualSizes(options))
    console.log(`${title}\n${JSON.stringify(result, null, 2)}`)
    expect(result.figures['tops']).toBeGreaterThan(0)
  })
})
