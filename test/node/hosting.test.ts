import { delimiter, dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { createControlClient } from '../../src/node/control/client.ts'
import type { GpuRow } from '../../src/node/gpu-rows.ts'
import type { RunningNode } from '../../src/node/node.ts'
import { fakeNvidiaSmi, hasOwnGpu } from '../support/fake-nvidia-smi.ts'
import { localNode } from '../support/local-node.ts'
import { buildMockCuda, hasCompiler } from '../support/mock-cuda.ts'
import { requireOrSkip } from '../support/skips.ts'

const WAIT = { timeout: 40_000, interval: 100 }
/** The first of two GPUs is the one that the mock driver has. */
const smi = fakeNvidiaSmi({ set: { 0: { uuid: 'GPU-00010203-0405-0607-0809-0a0b0c0d0e0f' } } })
const [first, second] = ['pci-00000000:19:00.0', 'pci-00000000:3b:00.0'] as const
beforeAll(() => vi.stubEnv('PATH', `${smi.folder}${delimiter}${process.env['PATH']}`))
afterAll(() => {
  vi.unstubAllEnvs()
  smi[Symbol.dispose]()
})

const announced = ({ parts }: RunningNode) =>
  parts.capabilities
    .own()
    ?.payload.devices.map(({ id, proofN, proofBytes }) => [id, proofN, proofBytes])
const rowsOf = async ({ control }: RunningNode): Promise<readonly GpuRow[]> => {
  using client = createControlClient(control.socketPath)
  return (await client.get<{ items: GpuRow[] }>('/v1/gpu')).items
}
const { n, bytes } = slotNetworks.local.cpuSizes

describe.skipIf(hasOwnGpu)('what proves the GPUs of a miner', () => {
  test.skipIf(!requireOrSkip(hasCompiler(), 'g++, which plays the GPU'))(
    'the one that libcuda lists is proven by CUDA, and one that nothing drives is announced without sizes',
    { timeout: 240_000 },
    async () => {
      vi.stubEnv('LD_LIBRARY_PATH', dirname(buildMockCuda()))
      await using node = await localNode({ roles: ['miner'] })
      await vi.waitFor(() => {
        expect(announced(node)).toEqual([
          [first, n, bytes],
          [second, undefined, undefined],
        ])
      }, WAIT)
      expect(node.parts.capabilities.own()?.payload.backend).toBe('cuda')
      expect(await rowsOf(node)).toMatchObject([
        { id: first, proves: true, backend: 'cuda', proofN: n, provesNot: null },
        { id: second, proves: false, backend: null, provesNot: expect.stringMatching(/libcuda/) },
      ])
      const prover = node.parts.provers!.proverOf(first)!
      await prover.prepare({ n: 256, bytes: 2 ** 19 })
      const roots: Uint8Array[] = []
      await prover.run({ work: 'gemm', seed: new Uint8Array(32) }, (root) => {
        roots.push(root)
        prover.stop()
      })
      expect(roots).toHaveLength(1)
      expect(node.parts.provers!.proverOf(second)).toBeUndefined()
    },
  )

  test('each has a prover of its own, and one that has no memory left is announced without sizes', async () => {
    await using node = await localNode({ roles: ['miner'], backend: 'cpu' })
    await vi.waitFor(() => expect(announced(node)?.[1]).toEqual([second, n, bytes]), WAIT)
    const { provers } = node.parts
    expect(provers!.proverOf(first)).not.toBe(provers!.proverOf(second))
    await provers!.shrink(second)
    await vi.waitFor(() => {
      expect(announced(node)).toEqual([
        [first, n, bytes],
        [second, undefined, undefined],
      ])
    }, WAIT)
  })
})
