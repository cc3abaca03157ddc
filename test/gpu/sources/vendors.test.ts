import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { detectGpus } from '../../../src/gpu/inventory.ts'
import { amdSmi, parseAmdMetric, parseAmdStatic } from '../../../src/gpu/sources/amd-smi.ts'
import { jsonIn, leavesOf, numberAt, textAt } from '../../../src/gpu/sources/loose-json.ts'
import { parseRocmSmi, rocmSmi } from '../../../src/gpu/sources/rocm-smi.ts'
import { runTool } from '../../../src/gpu/sources/run-tool.ts'
import { parseSystemProfiler, systemProfiler } from '../../../src/gpu/sources/system-profiler.ts'

const vectors = join(import.meta.dirname, '../../vectors')
const text = (name: string): string => readFileSync(join(vectors, `${name}.json`), 'utf8')
const json = (name: string): unknown => JSON.parse(text(name))

const root = mkdtempSync(join(tmpdir(), 'fake-tools-'))
afterAll(() => rmSync(root, { recursive: true }))

/** An environment in which programs print what is given by their first argument, or fail. */
function toolsThat(
  answers: Readonly<Record<string, Readonly<Record<string, string>>>>,
): NodeJS.ProcessEnv {
  const folder = mkdtempSync(join(root, 'bin-'))
  for (const [name, byArgument] of Object.entries(answers)) {
    const program = `#!${process.execPath}
const answer = ${JSON.stringify(byArgument)}[process.argv[2]]
if (answer === undefined) { console.error('ERROR: driver not initialized'); process.exitCode = 1 }
else console.log(answer)
`
    writeFileSync(join(folder, name), program)
    chmodSync(join(folder, name), 0o755)
  }
  return { PATH: folder }
}

test('a vendor’s program is given what drivers read, and nothing else', async () => {
  vi.stubEnv('COMPUTE_NODE_SECRET', 'sesame')
  vi.stubEnv('ROCR_VISIBLE_DEVICES', '0')
  onTestFinished(() => void vi.unstubAllEnvs())
  const print = ['-p', 'JSON.stringify(process.env)']
  const run = await runTool(process.execPath, print, { timeoutMs: 20_000 })
  expect(JSON.parse(run!.stdout)).toMatchObject({ ROCR_VISIBLE_DEVICES: '0' })
  expect(run!.stdout).not.toContain('sesame')
})

describe('amd-smi', () => {
  test.each([
    [
      'static-6.2',
      {
        id: 'pci-0000:05:00.0',
        vendor: 'amd',
        name: 'AMD Instinct MI300X',
        vramMiB: 196592,
        driver: '6.8.5',
        computeCapability: 'gfx942',
        pcie: { gen: 5, width: 16 },
      },
    ],
    [
      'static-7.0',
      {
        id: 'pci-0000:03:00.0',
        vendor: 'amd',
        name: 'AMD Radeon RX 7900 XTX',
        vramMiB: 24560,
        driver: '6.14.14',
        computeCapability: 'gfx1100',
        pcie: { gen: 4, width: 16 },
      },
    ],
  ])('%s', (name, gpu) => {
    expect([...parseAmdStatic(json(`amd-smi/${name}`))]).toEqual([[0, gpu]])
  })

  test.each([
    ['metric-6.2', [74, 641, null, 97, 120283, 2105, 1300, 0]],
    ['metric-7.0', [39, 18, 303, 0, 511, 28, 96, null]],
    ['metric-5.7', [44, 92, 300, 12, 1024, 800, 1600, null]],
  ])('%s', (name, expected) => {
    const figures = parseAmdMetric(json(`amd-smi/${name}`)).get(0)!
    expect([
      figures.temperatureC,
      figures.powerW,
      figures.powerLimitW,
      figures.utilizationPercent,
      figures.memoryUsedMiB,
      figures.coreClockMHz,
      figures.memoryClockMHz,
      figures.eccErrors,
    ]).toEqual(expected)
  })

  test('is asked for figures each time and for what there is once', async () => {
    const answers = { metric: text('amd-smi/metric-7.0'), static: text('amd-smi/static-7.0') }
    const source = amdSmi({ env: toolsThat({ 'amd-smi': answers }) })
    for (const _ of [1, 2]) {
      const found = await source.read({ timeoutMs: 20_000 })
      expect(found?.gpus).toMatchObject([
        { gpu: { id: 'pci-0000:03:00.0' }, figures: { temperatureC: 39 } },
      ])
    }
  })

  test('where it fails, rocm-smi is asked', async () => {
    const answers = { 'amd-smi': {}, 'rocm-smi': { '-a': text('rocm-smi/mi210') } }
    const gpus = await detectGpus({ env: toolsThat(answers), nvmlLibraries: [] })
    expect(gpus.map(({ name }) => name)).toEqual(['AMD Instinct MI210'])
  })
})

describe('rocm-smi', () => {
  test('a card with its figures', () => {
    expect(parseRocmSmi(json('rocm-smi/mi210'))).toEqual([
      {
        gpu: {
          id: 'pci-0000:83:00.0',
          vendor: 'amd',
          name: 'AMD Instinct MI210',
          vramMiB: 65520,
          driver: '6.2.4',
          computeCapability: 'gfx90a',
        },
        figures: {
          temperatureC: 41,
          powerW: 42,
          powerLimitW: 300,
          utilizationPercent: 3,
          memoryUsedMiB: 1024,
          coreClockMHz: 800,
          memoryClockMHz: 1600,
          eccErrors: null,
          lastError: null,
          processes: null,
        },
      },
    ])
  })

  test('other names of the same things', () => {
    expect(parseRocmSmi(json('rocm-smi/rx6800'))).toMatchObject([
      {
        gpu: { id: 'pci-0000:0b:00.0', vramMiB: 16368 },
        figures: { temperatureC: 51, powerW: 203, powerLimitW: null, utilizationPercent: 99 },
      },
    ])
  })

  test('one that fails, or prints no JSON, is a driver that fails', async () => {
    for (const answers of [{}, { '-a': 'WARNING: no AMD GPUs [specified]' }]) {
      const source = rocmSmi({ env: toolsThat({ 'rocm-smi': answers }) })
      const failing = source.read({ timeoutMs: 20_000 })
      await expect(failing).rejects.toMatchObject({ code: 'GPU_DRIVER_FAILED' })
    }
  })
})

describe('system_profiler', () => {
  test("a Mac's own GPU shares the machine's memory", async () => {
    const env = toolsThat({
      system_profiler: { SPDisplaysDataType: text('system-profiler/m2-max') },
      sysctl: { '-n': String(64 * 2 ** 30) },
    })
    expect((await systemProfiler({ env }).read({ timeoutMs: 20_000 }))?.gpus).toMatchObject([
      {
        gpu: {
          id: 'display-0',
          vendor: 'apple',
          name: 'Apple M2 Max',
          vramMiB: 65536,
        },
      },
    ])
  })

  test('others tell theirs', () => {
    const gpus = parseSystemProfiler(json('system-profiler/intel-mac'), 2 ** 34)
    expect(gpus.map(({ vendor, vramMiB }) => [vendor, vramMiB])).toEqual([
      ['intel', 1536],
      ['amd', 8192],
    ])
  })
})

describe('documents that drift', () => {
  test.each([null, 7, 'text', [], [null], {}, { gpu_data: 3 }, { card0: null }])('%j', (said) => {
    expect([...parseAmdStatic(said)]).toEqual([])
    expect(parseRocmSmi(said)).toEqual([])
    expect(parseSystemProfiler(said, null)).toEqual([])
    for (const figures of parseAmdMetric(said).values()) expect(figures.temperatureC).toBeNull()
  })

  test('values, units and what is not told', () => {
    const leaves = leavesOf({
      A: [{ b: { value: 3, unit: 'W' } }],
      c: 'N/A',
      d: { value: 'N/A', unit: 'W' },
    })
    expect(numberAt(leaves, /^a\.0\.b$/)).toBe(3)
    expect(textAt(leaves, /^c$/, /^d$/)).toBeNull()
    expect(textAt(leaves, /^c$/, /b$/)).toBe('3 W')
  })

  test('warnings around a document', () => {
    expect(jsonIn('WARNING: old\n{"a":1}\nbye')).toEqual({ a: 1 })
    expect(jsonIn('[1, 2')).toBeUndefined()
    expect(jsonIn('')).toBeUndefined()
  })
})

test('a program that may not be run counts as none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cn-tool-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'some-smi'), '#!/bin/sh\n', { mode: 0o644 })
  expect(await runTool('some-smi', [], { env: { PATH: folder }, timeoutMs: 20_000 })).toBe(
    undefined,
  )
})
