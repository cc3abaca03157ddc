import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { chooseRuntime, createDockerEngine } from '../../src/containers/docker-engine.ts'
import type { Container, Engine } from '../../src/containers/engine.ts'
import { findHostBusybox } from '../../src/containers/host-busybox.ts'
import { importBusybox } from '../../src/containers/images.ts'
import {
  canRunSecondDocker,
  type SecondDocker,
  startSecondDocker,
} from '../support/second-docker.ts'
import { requireOrSkip } from '../support/skips.ts'

test('the runtime is named, even the usual one', () => {
  expect(chooseRuntime(['nvidia', 'runc'], undefined)).toBe('runc')
  expect(chooseRuntime(['crun'], undefined)).toBeUndefined()
  expect(chooseRuntime(['runc', 'runsc'], 'runsc')).toBe('runsc')
  expect(() => chooseRuntime(['runc'], 'runsc')).toThrow(
    expect.objectContaining({ code: 'ENGINE_RUNTIME', message: expect.stringContaining('runc') }),
  )
})

const unable = !requireOrSkip(
  await canRunSecondDocker(),
  'root, dockerd, nsenter and btrfs (apt-get install btrfs-progs), for a second Docker Engine',
)

describe.skipIf(unable)('an engine that can hold a lease to its disk, with another runtime', () => {
  let second: SecondDocker
  let engine: Engine
  beforeAll(async () => {
    second = await startSecondDocker()
    vi.stubEnv('DOCKER_HOST', second.address)
    await importBusybox(second.docker, 'busybox:1.37', (await findHostBusybox())!)
    engine = await createDockerEngine({ nodeId: 'second', runtime: 'careful', unfenced: true })
  })
  afterAll(async () => {
    for (const container of await engine.list()) await container.remove({ graceMs: 0 })
    await engine.close()
    vi.unstubAllEnvs()
    await second[Symbol.asyncDispose]()
  })
  const leaseWith = async (leaseId: string, diskMiB?: number): Promise<Container> => {
    const container = await engine.create({
      leaseId,
      image: 'busybox:1.37',
      memoryMiB: 64,
      cpus: 1,
      diskMiB,
      expiresAtMs: Date.now() + 600_000,
    })
    await container.start()
    return container
  }
  /** Writes 96 MiB; how many of them came to be. */
  const write = async (container: Container): Promise<number> => {
    const script = 'dd if=/dev/zero of=/big bs=1048576 count=96 conv=fsync; stat -c %s /big'
    const exec = await container.exec(['sh', '-c', script])
    exec.stderr.resume()
    return Number(await text(exec.stdout)) / 2 ** 20
  }

  test('it says so, and uses what its owner chose', async () => {
    expect(engine.isolation).toMatchObject({ runtime: 'careful', diskQuota: true })
    const { id } = await leaseWith('aa01')
    expect((await second.docker.getContainer(id).inspect()).HostConfig.Runtime).toBe('careful')
  })

  test('a lease can write what its terms say, and no more; one without a limit can', async () => {
    expect(await write(await leaseWith('aa02'))).toBe(96)
    const held = await write(await leaseWith('aa03', 40))
    expect(held).toBeGreaterThan(30)
    expect(held).toBeLessThanOrEqual(41)
  })
})
