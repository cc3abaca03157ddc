import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { gpuList } from '../../../src/node/commands/gpu-list.ts'
import { type Config, configWith } from '../../../src/node/config.ts'
import { outputSchemas } from '../../../src/node/output-schemas.ts'
import { fakeNvidiaSmi, hasOwnGpu } from '../../support/fake-nvidia-smi.ts'
import { localNode } from '../../support/local-node.ts'

const WAIT = { timeout: 20_000, interval: 20 }
const smi = fakeNvidiaSmi()
const { PATH } = process.env
beforeAll(() => {
  process.env['PATH'] = smi.folder
})
afterAll(() => {
  process.env['PATH'] = PATH
  smi[Symbol.dispose]()
})
afterEach(() => smi.set({}))

/** Starts the command; what it has printed, how to end it, and its exit code. */
async function start(changes: Partial<Config> = {}, isTTY = false) {
  const dataDir = changes.dataDir ?? (await mkdtemp(join(tmpdir(), 'cn-gpus-')))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  const config = configWith({ network: 'local', ...changes, dataDir })
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  let said = ''
  stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const life = new AbortController()
  const terminal = { stdin: new PassThrough(), stdout: Object.assign(stdout, { isTTY }), stderr }
  const exitCode = gpuList({ config, args: [], rest: undefined, terminal, signal: life.signal })
  return { exitCode, said: () => said, stop: () => life.abort(), noted: () => stderr.read() }
}

test.skipIf(hasOwnGpu)('the GPUs of this machine as a document, with no node running', async () => {
  const { exitCode, said } = await start({ json: true })
  expect(await exitCode).toBe(0)
  const document = JSON.parse(said())
  outputSchemas['gpu list']!.schema.parse(document)
  expect(document.items).toMatchObject([
    { id: 'pci-00000000:19:00.0', state: 'ok', temperatureC: 34, powerW: 71.52, proves: false },
    { id: 'pci-00000000:3b:00.0', state: 'ok', utilizationPercent: 98, memoryUsedMiB: 73201 },
  ])
})

test.skipIf(hasOwnGpu)('a table says what is measured, and what is not', async () => {
  smi.set({ fixture: 'rtx4090' })
  const { exitCode, said } = await start()
  expect(await exitCode).toBe(0)
  const [head, row] = said().trimEnd().split('\n')
  expect(head).toContain('TEMP')
  expect(row).toMatch(/RTX 4090 +24564 MiB +412 MiB +3 % +41 °C +\?\/450 W +gen4 x16/)
  expect(row).toMatch(/ok$/)
})

test.skipIf(hasOwnGpu)('a GPU that is lost is listed with the reason', async () => {
  smi.set({ set: { 1: { 'power.draw': '[GPU requires reset]' } } })
  const { exitCode, said } = await start()
  expect(await exitCode).toBe(0)
  expect(said()).toContain('lost: GPU requires reset')
})

test.skipIf(hasOwnGpu)('a machine without GPUs lists its CPU and says so', async () => {
  process.env['PATH'] = '/nonexistent'
  try {
    const { exitCode, said, noted } = await start()
    expect(await exitCode).toBe(0)
    expect(said()).toContain('cpu-0')
    expect(String(noted())).toContain('no GPU here')
  } finally {
    process.env['PATH'] = smi.folder
  }
})

test.skipIf(hasOwnGpu)(
  '--watch --json prints one line per GPU and sample until Ctrl-C',
  async () => {
    const { exitCode, said, stop } = await start({ json: true, watch: true })
    const lines = () => said().trimEnd().split('\n').filter(Boolean)
    await vi.waitFor(() => expect(lines()).toHaveLength(2), WAIT)
    smi.set({ hidden: [1] })
    await vi.waitFor(() => expect(lines().length).toBeGreaterThanOrEqual(4), WAIT)
    stop()
    expect(await exitCode).toBe(0)
    const { schema } = outputSchemas['gpu list --watch']!
    const states = lines().map(
      (line) => (schema.parse(JSON.parse(line)) as { state: string }).state,
    )
    expect(states.slice(0, 4)).toEqual(['ok', 'ok', 'ok', 'lost'])
  },
)

test.skipIf(hasOwnGpu)('--watch draws the table again on a terminal', async () => {
  const { exitCode, said, stop } = await start({ watch: true }, true)
  await vi.waitFor(() => expect(said().match(/TEMP/g)).toHaveLength(2), WAIT)
  stop()
  expect(await exitCode).toBe(0)
  expect(said().split('\u001b[3A\u001b[J')).toHaveLength(2)
})

test.skipIf(hasOwnGpu)('where a miner runs it is asked: it knows what is paused', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'cn-gpus-'))
  await using _node = await localNode({ roles: ['miner'], dataDir, maxTemp: 60 })
  const { exitCode, said } = await start({ json: true, dataDir })
  expect(await exitCode).toBe(0)
  expect(JSON.parse(said()).items).toMatchObject([
    { state: 'ok' },
    { state: 'paused', reason: 'hotter than 60 °C' },
  ])
})
