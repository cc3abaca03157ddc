import { expect, test } from 'vitest'
import { checkHolds, quotaFinding, runtimeFinding } from '../../../src/node/doctor/check-holds.ts'
import { docker, noDocker } from '../../support/docker.ts'

const overlay = { storageDriver: 'overlay2', dataRoot: '/var/lib/docker' }
const refused = { held: false, why: 'the engine said no' } as const

test('a quota that was seen to work needs nothing', () => {
  const found = quotaFinding({ ...overlay, backingFilesystem: 'xfs' }, { held: true })
  expect(found).toMatchObject({ check: 'disk-quota', ok: true, required: false, remedy: null })
  expect(found.actual).toContain('overlay2 on xfs')
})

test.each([
  ['xfs', /mount the xfs of \/var\/lib\/docker with pquota/],
  ['extfs', /\(\/var\/lib\/docker\) on xfs mounted with pquota, on btrfs or on zfs/],
  [undefined, /on xfs mounted with pquota/],
])('overlay2 on %s without one: why, and how to get it', (backingFilesystem, remedy) => {
  const found = quotaFinding({ ...overlay, backingFilesystem }, refused)
  expect(found).toMatchObject({ ok: false, actual: expect.stringContaining('the engine said no') })
  expect(found.remedy).toMatch(remedy)
})

test('the runtimes that are here, those that would hold better, and one that lacks', () => {
  const engine = { runtimes: ['io.containerd.runc.v2', 'runc', 'runsc'] }
  const of = (runtime: string | undefined) =>
    runtimeFinding(engine, { roles: ['miner'], network: 'finney', runtime })
  const known = 'known: runc, runsc; not here: sysbox-runc'
  expect(of(undefined)).toMatchObject({ ok: true, actual: `leases run in runc; ${known}` })
  expect(of('runsc')).toMatchObject({ ok: true, actual: `leases run in runsc; ${known}` })
  expect(of('sysbox-runc')).toMatchObject({
    ...{ ok: false, required: true, actual: `there is no sysbox-runc; ${known}` },
    remedy: expect.stringContaining('daemon.json'),
  })
})

test.skipIf(noDocker)('of a real engine, which is left as it was', async () => {
  const before = await docker.listContainers({ all: true })
  const found = await checkHolds({ roles: ['miner'], network: 'finney', runtime: undefined })
  expect(found.map(({ check }) => check)).toEqual(['disk-quota', 'runtime'])
  const { Driver, DockerRootDir } = await docker.info()
  const [quota, runtime] = found
  expect(quota!.actual).toMatch(new RegExp(`^${Driver}`))
  expect(quota!.ok ? quota!.actual : quota!.remedy).toContain(quota!.ok ? 'held' : DockerRootDir)
  expect(runtime).toMatchObject({ ok: true, actual: expect.stringContaining('runc') })
  const left = (await docker.listContainers({ all: true })).flatMap(({ Names }) => Names)
  expect(left.filter((name) => name.startsWith('/cn-quota-'))).toEqual(
    before.flatMap(({ Names }) => Names).filter((name) => name.startsWith('/cn-quota-')),
  )
})
