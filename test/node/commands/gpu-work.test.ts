import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { runCli } from '../../../src/node/cli.ts'
import { outputSchemas } from '../../../src/node/output-schemas.ts'
import { hasOwnGpu } from '../../support/fake-nvidia-smi.ts'
import { tempFolder } from '../../support/lease-market.ts'
import { localNode } from '../../support/local-node.ts'
import { noVulkan } from '../../support/vulkan.ts'

/** Runs a command line as a person would, in this process, and reads its JSON by the schema of `form`. */
async function run<T>(form: string, argv: readonly string[], dataDir: string) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const terminal = { stdin: new PassThrough(), stdout, stderr }
  const all = [...form.split(' '), ...argv, '--json', '--data-dir', dataDir]
  const { signal } = new AbortController()
  const exitCode = await runCli(all, { terminal, env: {}, signal })
  const document = JSON.parse(String(stdout.read())) as T & { error?: { code: string } }
  if (exitCode === 0) outputSchemas[form]!.schema.parse(document)
  return { exitCode, document }
}

test.skipIf(hasOwnGpu)(
  'a device proves once, and the file is a transcript that verifies',
  async () => {
    const folder = await tempFolder()
    const file = join(folder, 'proof')
    const { exitCode, document } = await run<{ id: string }>('gpu prove', ['--out', file], folder)
    expect(exitCode).toBe(0)
    expect(document).toMatchObject({ gpu: 'cpu-0', backend: 'cpu', verdict: 'VALID', file })
    const checked = await run<{ id: string }>('gpu verify', [file], folder)
    expect(checked.document).toMatchObject({ verdict: 'VALID', network: 'local', id: document.id })
  },
)

test.skipIf(hasOwnGpu || noVulkan)(
  'software proves a processor by WebGPU where its owner wants so, and says what it ran on',
  { timeout: 240_000 },
  async () => {
    const argv = ['--backend', 'webgpu', '--subgroup-matrix']
    const { exitCode, document } = await run('gpu prove', argv, await tempFolder())
    expect(exitCode).toBe(0)
    expect(document).toMatchObject({
      gpu: 'cpu-0',
      backend: 'webgpu',
      verdict: 'VALID',
      ranOn: expect.stringMatching(/^\S.*, software, gemm /),
    })
  },
)

test.skipIf(hasOwnGpu)(
  'a device that is not here, or that does not prove, is told of',
  async () => {
    const folder = await tempFolder()
    const missing = await run('gpu prove', ['pci-9'], folder)
    expect(missing).toMatchObject({ exitCode: 3, document: { error: { code: 'NOTHING_MATCHED' } } })
    const unable = await run('gpu prove', ['--backend', 'cuda'], folder)
    expect(unable.exitCode).toBe(3)
  },
)

test.skipIf(hasOwnGpu)(
  'what a miner checks is told by the one that runs, which keeps its devices',
  async () => {
    const dataDir = await tempFolder()
    await using node = await localNode({ roles: ['miner'], dataDir })
    expect(node.parts.hosting!.capacity.free()).toEqual(['cpu-0'])
    type Items = { items: { check: string; ok: boolean }[] }
    const { document } = await run<Items>('gpu preflight', ['--network', 'local'], dataDir)
    const own = document.items.filter(({ check }) => check.endsWith('cpu-0'))
    expect(own.map(({ check, ok }) => `${check} ${ok}`)).toEqual([
      'driver cpu-0 true',
      'backend cpu-0 true',
      'self-proof cpu-0 true',
      'sizes cpu-0 true',
    ])
    const busy = await run('gpu prove', [], dataDir)
    expect(busy).toMatchObject({ exitCode: 5, document: { error: { code: 'REFUSED_MINING' } } })
  },
)

test.skipIf(hasOwnGpu)('without a miner the devices are checked here and now', async () => {
  const folder = await tempFolder()
  type Items = { items: { check: string }[] }
  const { document } = await run<Items>('gpu preflight', ['--network', 'local'], folder)
  expect(document.items.map(({ check }) => check)).toEqual(
    expect.arrayContaining(['self-proof cpu-0', 'sizes cpu-0', 'clock', 'disk', 'docker']),
  )
})

test.skipIf(hasOwnGpu)(
  'a bench measures everything that is here',
  { timeout: 240_000 },
  async () => {
    const folder = await tempFolder()
    type Bench = { devices: { figures: Record<string, number | null> }[] }
    const { exitCode, document } = await run<Bench>('gpu bench', [], folder)
    expect(exitCode).toBe(0)
    expect(document.devices).toMatchObject([{ gpu: 'cpu-0', backend: 'cpu', error: null }])
    const { tops, gbps, fillGBps, linkGBps, usableMiB } = document.devices[0]!.figures
    for (const rate of [tops, gbps, fillGBps]) expect(rate).toBeGreaterThan(0)
    expect([linkGBps, usableMiB]).toEqual([null, null])
  },
)
