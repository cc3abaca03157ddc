import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { silent } from '../../src/log.ts'
import { configWith } from '../../src/node/config.ts'
import type { Core } from '../../src/node/core.ts'
import { parseEngines } from '../../src/node/engine-options.ts'
import { openEngines } from '../../src/node/miner-engines.ts'
import { createNetwork } from '../../src/protocols/network.ts'
import { net } from '../support/lease.ts'
import { tempFolder } from '../support/lease-market.ts'

afterEach(() => void vi.unstubAllEnvs())

const [one, other, far] = ['GPU-0001', 'GPU-0002', 'GPU-0003'] as const
const gpu = (id: string, uuid: string) => ({
  id,
  vendor: 'nvidia',
  name: 'H100',
  vramMiB: 81_559,
  uuid,
})
const gpus = [gpu('pci-1', one), gpu('pci-2', other)]
const host = { cpuName: 'EPYC', cpuArch: 'x64', cpuCores: 8, ramMiB: 1024, diskMiB: 500 }
const room = { memoryMiB: 256, milliCpus: 8000, diskMiB: 500 }
const here = () => ({ host, room: () => room })

/** Files that look like those of an engine's TLS. */
async function tlsFiles(mode = 0o600) {
  const folder = await tempFolder()
  const [ca, cert, key] = ['ca', 'cert', 'key'].map((name) => join(folder, `${name}.pem`)) as [
    string,
    string,
    string,
  ]
  for (const path of [ca, cert, key]) {
    writeFileSync(path, '-----BEGIN TEST-----\n', { mode: path === key ? mode : 0o644 })
  }
  return { ca, cert, key }
}

async function open(engines: object[], changes: Partial<Core> = {}) {
  const stack = new AsyncDisposableStack()
  onTestFinished(() => stack.disposeAsync())
  const config = configWith({ engines: parseEngines([JSON.stringify(engines)], (path) => path) })
  const core = { config, net, peerId: 'p', log: silent, ...changes } as Partial<Core> as Core
  return openEngines({ core, gpus, devices: () => gpus, here }, stack)
}
const SOCKET = 'unix:///nonexistent/docker.sock'
const rig = async (more: object = {}) => ({
  name: 'rig',
  url: 'tcp://127.0.0.1:1',
  tls: await tlsFiles(),
  ...more,
})

test('a device is on the engine that names it; of elsewhere it is what its owner says, under an id of its own', async () => {
  const named = { uuid: far, name: 'NVIDIA L4', vramMiB: 23_034 }
  const engines = await open([
    { name: 'here', url: SOCKET, gpus: [other] },
    await rig({ gpus: [named] }),
  ])
  const [id] = engines.farDevices
  expect(id).toMatch(/^gpu-[0-9a-f]{12}@rig$/)
  expect(['pci-1', 'pci-2', id!].map(engines.nameOf)).toEqual(['', 'here', 'rig'])
  expect(engines.farUuid(id!)).toBe(far)
  const [local, remote] = engines.machines!
  expect(local).toMatchObject({ isProven: true, devices: [{ id: 'pci-2' }], host })
  expect(remote).toMatchObject({
    isProven: false,
    devices: [{ id, vendor: 'nvidia', name: 'NVIDIA L4', vramMiB: 23_034 }],
    host: { cpuName: 'unknown', diskMiB: 500 },
  })
  expect(JSON.stringify(remote!.devices)).not.toContain(far)
})

test('an engine that does not answer is there all the same, and says nothing of what it runs', async () => {
  const engines = await open([{ name: 'here', url: SOCKET }, await rig()])
  expect(['pci-1', 'pci-2'].map(engines.nameOf)).toEqual(['here', 'here'])
  for (const { runs, isolation } of engines.machines!) {
    expect(isolation).toBeUndefined()
    expect(await runs.check()).toMatchObject({ code: 'ENGINE_UNKNOWN' })
    await expect(runs.list()).rejects.toMatchObject({ code: 'ENGINE_UNKNOWN' })
    expect(() => runs.checkImage('busybox')).toThrow(/has not answered/)
  }
  expect(await engines.machines![1]!.runs.check()).toMatchObject({
    next: expect.stringContaining('tcp://127.0.0.1:1'),
  })
})

test('an engine without GPUs lets its processor, on local networks alone', async () => {
  expect((await open([await rig()])).farDevices).toEqual(['cpu-0@rig'])
  const finney = createNetwork('finney', 51, new Uint8Array(32))
  expect((await open([await rig()], { net: finney })).farDevices).toEqual([])
})

test('records name their engine; those of before are on the one that was found then, and one that is gone is unknown', async () => {
  vi.stubEnv('DOCKER_HOST', SOCKET)
  const { hosts } = await open([await rig(), { name: 'here', url: SOCKET }])
  expect(hosts.named(undefined).name).toBe('here')
  expect(hosts.named('rig').name).toBe('rig')
  expect(hosts.named('gone').engine).toMatchObject({
    code: 'ENGINE_ABSENT',
    message: expect.stringMatching(/gone/),
  })
  vi.stubEnv('DOCKER_HOST', 'unix:///elsewhere')
  const moved = await open([await rig(), { name: 'here', url: SOCKET }])
  expect(moved.hosts.named(undefined).name).toBe('rig')
})

test.each<[what: string, engines: () => Promise<object[]>, says: RegExp]>([
  [
    'a key that others may read',
    async () => [await rig({ tls: await tlsFiles(0o640) })],
    /mode 640/,
  ],
  [
    'a key that is not there',
    async () => [await rig({ tls: { ...(await tlsFiles()), key: '/none' } })],
    /cannot read \/none/,
  ],
  [
    'a certificate that is none',
    async () => [await rig({ tls: { ...(await tlsFiles()), cert: '/dev/null' } })],
    /no PEM file/,
  ],
  [
    'a GPU that is said to be elsewhere and is here',
    async () => [await rig({ gpus: [one] })],
    /GPU-0001 is in this machine/,
  ],
])('%s is refused at the start', async (_, engines, says) => {
  await expect(engines().then(open)).rejects.toMatchObject({
    code: 'BAD_CONFIG_ENGINE',
    message: expect.stringMatching(says),
    next: expect.any(String),
  })
})

test('the process engine is no engine of several', async () => {
  const config = configWith({
    engine: 'process',
    engines: parseEngines([JSON.stringify({ name: 'here', url: SOCKET })], (path) => path),
  })
  await expect(open([], { config })).rejects.toMatchObject({ code: 'BAD_CONFIG_ENGINE' })
})
