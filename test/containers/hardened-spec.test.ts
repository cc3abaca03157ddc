import { expect, test } from 'vitest'
import type { ContainerSpec } from '../../src/containers/engine.ts'
import { containerName, expiryInName, hardenedSpec } from '../../src/containers/hardened-spec.ts'
import { holderSpec } from '../../src/containers/prepared-network.ts'

const spec: ContainerSpec = {
  leaseId: 'ab12',
  image: 'pytorch/pytorch:2.9',
  command: ['python', 'train.py'],
  env: { SEED: '7' },
  memoryMiB: 65_536, // 64 GiB: beyond what 32-bit arithmetic holds
  cpus: 2.5,
  expiresAtMs: 1_800_000_000_000,
}
const options = { nodeId: '12D3node', network: 'cn-leases', maxOpenFiles: 1024 }
const hostOf = (change: Partial<ContainerSpec> = {}) =>
  hardenedSpec({ ...spec, ...change }, options).HostConfig

test('a tenant gets no privilege, no capability beyond the list, nothing of the host', () => {
  const host = hostOf()
  expect(host.Privileged).toBe(false)
  expect(host.CapDrop).toEqual(['ALL'])
  expect(host.CapAdd).not.toContain('NET_RAW')
  expect(host.CapAdd).not.toContain('SYS_ADMIN')
  expect(host.CapAdd).not.toContain('SYS_PTRACE')
  expect(host.SecurityOpt).toEqual(['no-new-privileges:true']) // and so the default seccomp profile
  expect(host.Binds ?? host.Mounts ?? host.Devices).toBeUndefined()
  expect(host).toMatchObject({
    IpcMode: 'private',
    CgroupnsMode: 'private',
    NetworkMode: 'cn-leases',
  })
  expect(host.PidMode ?? host.UTSMode ?? host.UsernsMode).toBeUndefined()
})

test('limits are in bytes and nano CPUs, without swap on top', () => {
  expect(hostOf()).toMatchObject({
    Memory: 68_719_476_736,
    MemorySwap: 68_719_476_736,
    NanoCpus: 2_500_000_000,
    PidsLimit: 512,
  })
})

test('a command is the main process, its streams open; without one the container idles', () => {
  const command = hardenedSpec(spec, options)
  expect(command).toMatchObject({ Cmd: ['python', 'train.py'], OpenStdin: true, StdinOnce: true })
  expect(command.Entrypoint).toBeUndefined()
  const { command: _, ...without } = spec
  const idle = hardenedSpec(without, options)
  expect(idle).toMatchObject({ Entrypoint: [], OpenStdin: false })
  expect(idle.Cmd?.[0]).toBe('sleep')
})

test('the labels say whose it is and when it ends', () => {
  expect(hardenedSpec(spec, options).Labels).toEqual({
    'cn.managed': '1',
    'cn.node': '12D3node',
    'cn.lease': 'ab12',
    'cn.expires': '1800000000000',
  })
})

test('GPUs are asked for by UUID, and none by default', () => {
  expect(hostOf().DeviceRequests).toBeUndefined()
  const [request] = hostOf({ gpuUuids: ['GPU-1', 'GPU-2'] }).DeviceRequests ?? []
  expect(request).toMatchObject({ Driver: 'nvidia', DeviceIDs: ['GPU-1', 'GPU-2'] })
  expect(request?.Count).toBeUndefined()
})

test.each([
  ['/cn-ab12-x1800000000000', 1_800_000_000_000],
  ['/cn-ab12', undefined],
  ['/somebody-x12', undefined],
  ['/cn-ab12-xsoon', undefined],
])('the expiry in the name %s', (name, expiry) => {
  expect(expiryInName(name)).toBe(expiry)
})

test('a name holds the expiry that it is given', () => {
  expect(expiryInName(containerName('ab12', 5))).toBe(5)
})

test('a prepared network is joined, and with it its name and resolvers', () => {
  const joined = hardenedSpec(spec, { ...options, holder: 'f00d' })
  expect(joined.HostConfig.NetworkMode).toBe('container:f00d')
  expect(joined.HostConfig.Dns ?? joined.Hostname).toBeUndefined() // the engine refuses both
  expect(joined.Labels?.['cn.joins']).toBe('f00d')
})

test('the toolbox is one volume, read-only, and serves to idle with', () => {
  const { command: _, ...without } = spec
  const toolbox = { name: 'cn-toolbox-1', tools: ['busybox', 'sftp-server'] as const }
  const { HostConfig, Cmd, Labels } = hardenedSpec(without, { ...options, toolbox })
  expect(HostConfig.Mounts).toEqual([
    { Type: 'volume', Source: 'cn-toolbox-1', Target: '/.cn', ReadOnly: true },
  ])
  expect(Cmd?.slice(0, 2)).toEqual(['/.cn/busybox', 'sleep'])
  expect(Labels?.['cn.tools']).toBe('busybox sftp-server')
})

test('what holds a network has no rights at all', () => {
  const { HostConfig, User } = holderSpec('12D3node', 'cn-holder:1')
  expect(HostConfig).toMatchObject({
    CapDrop: ['ALL'],
    ReadonlyRootfs: true,
    NetworkMode: 'cn-leases',
  })
  expect(HostConfig.CapAdd).toBeUndefined()
  expect(User).toBe('65534:65534')
})
