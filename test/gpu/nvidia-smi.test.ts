import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { cpuDevice, detectGpus } from '../../src/gpu/inventory.ts'
import { parseNvidiaSmi, queryNvidiaSmi } from '../../src/gpu/nvidia-smi.ts'

/** The fixtures carry 26 columns, as asked by `nvidia-smi --query-gpu` for these. */
const FIXTURE_FIELDS =
  'index,name,uuid,serial,pci.bus_id,pci.device_id,driver_version,vbios_version,compute_cap,memory.total,memory.used,memory.free,utilization.gpu,utilization.memory,temperature.gpu,power.draw,enforced.power.limit,power.max_limit,clocks.max.sm,clocks.sm,pcie.link.gen.current,pcie.link.width.current,mig.mode.current,compute_mode,ecc.errors.uncorrected.volatile.total,fan.speed'
const vectors = join(import.meta.dirname, '../vectors/nvidia-smi')
const folder = mkdtempSync(join(tmpdir(), 'fake-smi-'))
afterAll(() => rmSync(folder, { recursive: true }))

// Answers like nvidia-smi: picks the asked columns out of a fixture, refuses fields it does not know.
writeFileSync(
  join(folder, 'nvidia-smi'),
  `#!${process.execPath}
const { readFileSync } = require('node:fs')
const env = process.env
const known = ${JSON.stringify(FIXTURE_FIELDS.split(','))}.filter((field) => field !== env.SMI_UNKNOWN_FIELD)
const asked = process.argv[2].replace('--query-gpu=', '').split(',')
const bad = asked.find((field) => !known.includes(field))
const answer = () => {
  if (env.SMI_FAILS) return exit(9, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.")
  if (bad) return exit(2, 'Field "' + bad + '" is not a valid field to query.')
  const all = ${JSON.stringify(FIXTURE_FIELDS.split(','))}
  const lines = readFileSync(env.SMI_FIXTURE, 'utf8').trim().split('\\n').map((line) => line.split(', '))
  exit(0, lines.map((cells) => asked.map((field) => cells[all.indexOf(field)]).join(', ')).join('\\n'))
}
const exit = (code, text) => { console.log(text); process.exitCode = code }
setTimeout(answer, Number(env.SMI_DELAY_MS ?? 0))
`,
)
chmodSync(join(folder, 'nvidia-smi'), 0o755)
const fake = (env: Record<string, string>) => ({ env: { PATH: folder, ...env } })
const fixture = (name: string) => ({ SMI_FIXTURE: join(vectors, `${name}.csv`) })

test('two H100, as the driver tells them', async () => {
  const gpus = await detectGpus(fake(fixture('h100x2')))
  expect(gpus).toHaveLength(2)
  expect(gpus[0]).toEqual({
    id: 'pci-00000000:19:00.0',
    vendor: 'nvidia',
    name: 'NVIDIA H100 80GB HBM3',
    uuid: 'GPU-6b1b7d1e-9a1e-5b4c-8f0e-000000000001',
    vramMiB: 81559,
    driver: '570.133.20',
    computeCapability: '9.0',
    backend: 'cuda',
  })
})

test('what a consumer card does not tell is null, not a number', async () => {
  const [gpu] = await queryNvidiaSmi(fake(fixture('rtx4090')))
  expect(gpu).toMatchObject({ powerW: null, mig: null, vramMiB: 24564, powerLimitW: 450 })
})

test('a driver that does not know a field is asked for the minimal set', async () => {
  const [gpu] = await queryNvidiaSmi(
    fake({ ...fixture('rtx4090'), SMI_UNKNOWN_FIELD: 'compute_cap' }),
  )
  expect(gpu).toMatchObject({ vramMiB: 24564, computeCapability: null, temperatureC: null })
})

test('an installed driver that fails is an error with the next step, not a machine without GPUs', async () => {
  const failing = detectGpus(fake({ ...fixture('h100x2'), SMI_FAILS: '1' }))
  await expect(failing).rejects.toMatchObject({
    code: 'GPU_SMI_FAILED',
    message: expect.stringContaining("couldn't communicate"),
    next: expect.stringContaining('nvidia-smi'),
  })
})

test('a driver that hangs is given up on', async () => {
  const slow = queryNvidiaSmi({
    ...fake({ ...fixture('h100x2'), SMI_DELAY_MS: '60000' }),
    timeoutMs: 300,
  })
  await expect(slow).rejects.toMatchObject({ code: 'GPU_SMI_FAILED' })
})

test('without nvidia-smi the machine is one device of class cpu, told honestly', async () => {
  const empty = { env: { PATH: join(folder, 'nothing') } }
  expect(await detectGpus(empty)).toEqual([cpuDevice()])
  const cpu = cpuDevice()
  expect(cpu).toMatchObject({ id: 'cpu-0', backend: 'cpu', cores: availableParallelism() })
  expect(cpu.vramMiB).toBeGreaterThan(0)
  expect(cpu.name).not.toBe('')
})

test.each([
  ['a line cut short', '0, NVIDIA H100'],
  ['an error in place of a table', 'No devices were found'],
  ['no index', '[N/A], H100, GPU-1, 0:1.0, 570, 8192'],
])('%s is refused', (_, line) => {
  const fields = ['index', 'name', 'uuid', 'pci.bus_id', 'driver_version', 'memory.total']
  expect(() => parseNvidiaSmi(line, fields)).toThrowError(/nvidia-smi/)
})

test('an empty answer is no GPU', () => {
  expect(parseNvidiaSmi('\n')).toEqual([])
  expect(
    readFileSync(join(vectors, 'h100x2.csv'), 'utf8').split('\n')[0]!.split(', '),
  ).toHaveLength(FIXTURE_FIELDS.split(',').length)
})
