import { expect, test } from 'vitest'
import { flawInConfinement, requireConfined } from '../../src/containers/confined.ts'
import type { ContainerSpec } from '../../src/containers/engine.ts'
import { type HardenedOptions, hardenedSpec } from '../../src/containers/hardened-spec.ts'
import { volumeMount } from '../../src/containers/volume-mount.ts'

const spec: ContainerSpec = {
  leaseId: 'ab12',
  image: 'docker.io/library/busybox:1.37',
  memoryMiB: 64,
  cpus: 1,
  expiresAtMs: 1_800_000_000_000,
}
const options = { nodeId: '12D3node', network: 'cn-leases', maxOpenFiles: 1024 }
const whole = hardenedSpec(spec, options)
const tools = { Type: 'volume', Source: 'cn-toolbox-0123456789ab', Target: '/.cn', ReadOnly: true }
const kept = { id: 'ab'.repeat(16), path: '/data', readOnly: false }
const volume = volumeMount('12D3node', kept)
const changed = (change: object): HardenedOptions =>
  ({ ...whole, HostConfig: { ...whole.HostConfig, ...change } }) as HardenedOptions

test.each([
  ['a lease that idles', hardenedSpec(spec, options)],
  ['one with a command', hardenedSpec({ ...spec, command: ['true'], env: { A: 'b' } }, options)],
  ['one on a prepared network', hardenedSpec(spec, { ...options, holder: 'f00d'.repeat(16) })],
  ['one with GPUs', hardenedSpec({ ...spec, gpuUuids: ['GPU-1', 'MIG-2'] }, options)],
  [
    'one with GPUs by CDI',
    hardenedSpec({ ...spec, gpuUuids: ['GPU-1'] }, { ...options, gpus: 'cdi' }),
  ],
  ['one in another runtime', hardenedSpec(spec, { ...options, runtime: 'sysbox-runc' })],
  ['one with a quota', hardenedSpec(spec, { ...options, diskBytes: 1 << 30 })],
  [
    'one with the toolbox',
    hardenedSpec(spec, { ...options, toolbox: { name: 'cn-toolbox-0123456789ab', tools: [] } }),
  ],
  ['one with volumes', hardenedSpec({ ...spec, volumes: [kept] }, options)],
  [
    'one with a volume where its image has one',
    hardenedSpec({ ...spec, volumes: [kept] }, { ...options, imageVolumes: ['/data', '/more'] }),
  ],
  ['one with volumes of its image', hardenedSpec(spec, { ...options, imageVolumes: ['/data'] })],
])('%s passes', (_, wanted) => {
  expect(flawInConfinement(wanted)).toBeUndefined()
})

test.each([
  ['Binds', { Binds: ['/:/host'] }],
  ['Binds', { Binds: [] }],
  ['Mounts', { Mounts: [{ Type: 'bind', Source: '/', Target: '/host' }] }],
  ['Mounts', { Mounts: [{ ...tools, Source: 'somebody-elses' }] }],
  ['Mounts', { Mounts: [{ ...tools, ReadOnly: false }] }],
  ['Mounts', { Mounts: [{ ...tools, Target: '/' }] }],
  ['Mounts', { Mounts: [{ ...tools, VolumeOptions: { DriverConfig: {} } }] }],
  ['Mounts', { Mounts: [volume, volume] }],
  ['Mounts', { Mounts: [{ ...volume, Type: 'bind' }] }],
  ['Mounts', { Mounts: [{ ...volume, Source: 'somebody-elses' }] }],
  ['Mounts', { Mounts: [{ ...volume, Source: '/etc' }] }],
  ['Mounts', { Mounts: [{ ...volume, Source: `cn-volume-${'cd'.repeat(16)}` }] }],
  ['Mounts', { Mounts: [volumeMount('12D3other', kept)] }],
  ['Mounts', { Mounts: [volumeMount('12D3node', { ...kept, path: '/.cn' })] }],
  ['Mounts', { Mounts: [volumeMount('12D3node', { ...kept, path: '/proc/sys' })] }],
  ['Mounts', { Mounts: [volumeMount('12D3node', { ...kept, path: '/a/../proc' })] }],
  ['Mounts', { Mounts: [volumeMount('12D3node', { ...kept, path: '/' })] }],
  ['Mounts', { Mounts: [{ ...volume, BindOptions: { Propagation: 'shared' } }] }],
  [
    'Mounts',
    {
      Mounts: [
        {
          ...volume,
          VolumeOptions: {
            ...volume.VolumeOptions,
            DriverConfig: { Name: 'local', Options: { type: 'none', o: 'bind', device: '/' } },
          },
        },
      ],
    },
  ],
  ['VolumesFrom', { VolumesFrom: ['other'] }],
  ['Devices', { Devices: [{ PathOnHost: '/dev/mem' }] }],
  ['DeviceCgroupRules', { DeviceCgroupRules: ['a *:* rwm'] }],
  ['Privileged', { Privileged: true }],
  ['CapAdd', { CapAdd: ['SYS_ADMIN'] }],
  ['CapDrop', { CapDrop: [] }],
  ['SecurityOpt', { SecurityOpt: ['no-new-privileges:true', 'seccomp=unconfined'] }],
  ['NetworkMode', { NetworkMode: 'host' }],
  ['NetworkMode', { NetworkMode: 'bridge' }],
  ['NetworkMode', { NetworkMode: 'container:somebody' }],
  ['PidMode', { PidMode: 'host' }],
  ['IpcMode', { IpcMode: 'host' }],
  ['UTSMode', { UTSMode: 'host' }],
  ['UsernsMode', { UsernsMode: 'host' }],
  ['CgroupnsMode', { CgroupnsMode: 'host' }],
  ['CgroupParent', { CgroupParent: '/' }],
  ['Sysctls', { Sysctls: { 'kernel.msgmax': '1' } }],
  ['MaskedPaths', { MaskedPaths: [] }],
  ['ReadonlyPaths', { ReadonlyPaths: [] }],
  ['ExtraHosts', { ExtraHosts: ['a:host-gateway'] }],
  ['PortBindings', { PortBindings: { '80/tcp': [{ HostPort: '80' }] } }],
  ['PublishAllPorts', { PublishAllPorts: true }],
  ['MemorySwap', { MemorySwap: -1 }],
  ['PidsLimit', { PidsLimit: -1 }],
  ['OomScoreAdj', { OomScoreAdj: -500 }],
  ['LogConfig', { LogConfig: { Type: 'syslog', Config: {} } }],
  ['Tmpfs', { Tmpfs: { '/x': 'rw,dev,suid' } }],
  ['Runtime', { Runtime: '../runc' }],
  ['StorageOpt', { StorageOpt: { size: '1', dm: 'x' } }],
  ['DeviceRequests', { DeviceRequests: [{ Driver: 'nvidia', Count: -1 }] }],
  ['DeviceRequests', { DeviceRequests: [{ Driver: 'cdi', DeviceIDs: ['vendor.com/disk=all'] }] }],
  ['SomethingNew', { SomethingNew: true }],
  ['no Memory', { Memory: undefined }],
  ['no SecurityOpt', { SecurityOpt: undefined }],
])('%s is refused', (field, change) => {
  expect(flawInConfinement(changed(change))).toBe(field)
  expect(() => requireConfined(changed(change))).toThrow(
    expect.objectContaining({ code: 'ENGINE_UNCONFINED' }),
  )
})

test.each(['Volumes', 'ExposedPorts', 'NetworkingConfig', 'User', 'MacAddress'])(
  'beside HostConfig, %s is refused',
  (field) => {
    expect(flawInConfinement({ ...whole, [field]: {} })).toBe(field)
  },
)

test('GPUs are those of the lease, whatever its environment or a default runtime says', () => {
  const of = (more: Partial<ContainerSpec>) => hardenedSpec({ ...spec, ...more }, options).Env
  expect(of({})).toEqual(['NVIDIA_VISIBLE_DEVICES=void'])
  expect(of({ gpuUuids: ['GPU-1'], env: { NVIDIA_VISIBLE_DEVICES: 'all' } })).toEqual([
    'NVIDIA_VISIBLE_DEVICES=GPU-1',
  ])
})
