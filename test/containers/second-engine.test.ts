import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { chooseRuntime, createDockerEngine } from '../../src/containers/docker-engine.ts'
import type { Container, Engine } from '../../src/containers/engine.ts'
import { findHostBusybox } from '../../src/containers/host-busybox.ts'
import { importBusybox } from '../../src/containers/images.ts'
import { checkHolds } from '../../src/node/doctor/check-holds.ts'
import { tempFolder } from '../support/lease-market.ts'
import {
  canRunSecondDocker,
  kernelHolds,
  type SecondDocker,
  startSecondDocker,
} from '../support/second-docker.ts'
import { serveLease } from '../support/served-lease.ts'
import { deviceOrSkip, requireOrSkip } from '../support/skips.ts'

test('the runtime is named, even the usual one', () => {
  expect(chooseRuntime(['nvidia', 'runc'], undefined)).toBe('runc')
  expect(chooseRuntime(['crun'], undefined)).toBeUndefined()
  expect(chooseRuntime(['runc', 'runsc'], 'runsc')).toBe('runsc')
  expect(() => chooseRuntime(['runc'], 'runsc')).toThrow(
    expect.objectContaining({ code: 'ENGINE_RUNTIME', message: expect.stringContaining('runc') }),
  )
})

const able = {
  btrfs: requireOrSkip(
    (await kernelHolds('btrfs')) && (await canRunSecondDocker('btrfs')),
    'root, dockerd, nsenter and btrfs (apt-get install btrfs-progs), for a second Docker Engine',
  ),
  // Kernels without it are common, on small virtual machines above all: no test can bring one.
  xfs:
    deviceOrSkip(await kernelHolds('xfs'), 'a kernel with quotas for xfs (CONFIG_XFS_QUOTA)') &&
    requireOrSkip(
      await canRunSecondDocker('xfs'),
      'root, dockerd, nsenter and mkfs.xfs (apt-get install xfsprogs), for a second Docker Engine',
    ),
}

describe.each(['btrfs', 'xfs'] as const)('an engine on %s, with another runtime', (storage) => {
  describe.skipIf(!able[storage])('can hold a lease to its disk', { timeout: 60_000 }, () => {
    let second: SecondDocker
    let engine: Engine
    beforeAll(async () => {
      second = await startSecondDocker(storage)
      vi.stubEnv('DOCKER_HOST', second.address)
      await importBusybox(second.docker, 'busybox:1.37', (await findHostBusybox())!)
      engine = await createDockerEngine({ nodeId: 'second', runtime: 'careful', unfenced: true })
    }, 60_000)
    afterAll(async () => {
      for (const container of await engine.list()) await container.remove({ graceMs: 0 })
      await engine.close()
      vi.unstubAllEnvs()
      await second[Symbol.asyncDispose]()
    }, 60_000)
    const leaseWith = async (
      leaseId: string,
      more: { readonly diskMiB?: number; readonly volume?: string } = {},
    ): Promise<Container> => {
      const { diskMiB, volume } = more
      const container = await engine.create({
        leaseId,
        image: 'busybox:1.37',
        memoryMiB: 64,
        cpus: 1,
        diskMiB,
        ...(volume === undefined
          ? {}
          : { volumes: [{ id: volume, path: '/data', readOnly: false }] }),
        expiresAtMs: Date.now() + 600_000,
      })
      await container.start()
      return container
    }
    /** Writes 96 MiB; how many of them came to be, and what was said. */
    const write = async (container: Container, folder = '') => {
      const file = `${folder}/big`
      const script = `dd if=/dev/zero of=${file} bs=1048576 count=96 conv=fsync; stat -c %s ${file}`
      const exec = await container.exec(['sh', '-c', script])
      const [out, err] = await Promise.all([text(exec.stdout), text(exec.stderr)])
      return { miB: Number(out) / 2 ** 20, err }
    }
    const expectHeld = ({ miB, err }: Awaited<ReturnType<typeof write>>): void => {
      expect(err).toMatch(/No space left on device|Disk quota exceeded/)
      expect(miB).toBeGreaterThan(30)
      expect(miB).toBeLessThanOrEqual(41)
    }

    test('it says so, and uses what its owner chose', async () => {
      expect(engine.isolation).toMatchObject({ runtime: 'careful', diskQuota: true })
      const doctor = await checkHolds({ roles: ['miner'], network: 'finney', runtime: 'careful' })
      expect(doctor).toMatchObject([
        { check: 'disk-quota', ok: true, remedy: null },
        { check: 'runtime', ok: true, actual: expect.stringContaining('known: careful, runc') },
      ])
      const { id } = await leaseWith('aa01')
      expect((await second.docker.getContainer(id).inspect()).HostConfig.Runtime).toBe('careful')
    })

    test('a lease can write what its terms say, and no more; one without a limit can', async () => {
      expect(await write(await leaseWith('aa02'))).toMatchObject({ miB: 96 })
      expectHeld(await write(await leaseWith('aa03', { diskMiB: 40 })))
    })

    test('a copy into a lease that is more than its disk fails, and says why', async () => {
      const lent = Object.assign(Object.create(engine) as Engine, {
        [Symbol.asyncDispose]: async () => undefined, // ours goes on
      })
      await using lease = await serveLease(lent, 'busybox:1.37') // its terms: 100 MiB
      const large = join(await tempFolder(), 'large')
      await writeFile(large, '')
      await truncate(large, 120 * 2 ** 20)
      const copied = await lease.cli('cp', large, `${lease.id}:/large`, '--json').ended
      expect(copied.code).toBe(1)
      expect(JSON.parse(copied.out)).toMatchObject({ error: { code: 'FAILED_LEASE_DISK' } })
      const left = await lease.cli('exec', lease.id, '--', 'ls', '/large').ended
      expect(left.code).toBe(1)
    })

    test('a volume is held to its size where the storage does that by itself', async () => {
      const id = 'ab'.repeat(16)
      const kept = await engine.volumes!.ensure({ id, sizeMiB: 40 })
      expect(kept).toEqual({ id, enforced: storage === 'xfs' })
      const container = await leaseWith('aa04', { volume: id })
      const written = await write(container, '/data')
      if (kept.enforced) expectHeld(written)
      else expect(written.miB).toBe(96)
      await container.remove({ graceMs: 0 })
      await engine.volumes!.remove(id)
    })
  })
})
