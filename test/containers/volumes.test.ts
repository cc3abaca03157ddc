import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Container } from '../../src/containers/engine.ts'
import type { EngineVolumes } from '../../src/containers/engine-volumes.ts'
import { canSizeVolumes } from '../../src/containers/sized-volume.ts'
import { codeOf } from '../../src/errors.ts'
import { docker, noDocker, smallSpec, testEngine } from '../support/docker.ts'
import { requireOrSkip } from '../support/skips.ts'

const canSize = requireOrSkip(await canSizeVolumes(), 'root and mkfs.ext4, beside the engine,')

const id = (): string => crypto.randomUUID().replaceAll('-', '')

/** A lease that mounts a volume at /data. */
async function mounting(
  engine: Awaited<ReturnType<typeof testEngine>>,
  volume: string,
  readOnly = false,
): Promise<Container> {
  const volumes = [{ id: volume, path: '/data', readOnly }]
  const container = await engine.create({ ...smallSpec(), volumes })
  await container.start()
  return container
}

async function sh(container: Container, line: string): Promise<{ code: number; out: string }> {
  const exec = await container.exec(['sh', '-c', line])
  exec.stdin.end()
  const [out, , code] = await Promise.all([text(exec.stdout), text(exec.stderr), exec.exitCode])
  return { code, out }
}

describe.skipIf(noDocker)('volumes of a Docker Engine', () => {
  let folder: string
  let plain: Awaited<ReturnType<typeof testEngine>>
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cn-volumes-'))
    plain = await testEngine()
    await plain.ensureImage('busybox:1.37')
  }, 60_000)
  afterAll(async () => {
    for (const { id } of await plain.volumes!.list()) await plain.volumes!.remove(id)
    await plain[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  test('what is in one is there in the next lease, and read-only means it', async () => {
    const volumes = plain.volumes!
    const volume = id()
    expect(await volumes.ensure({ id: volume, sizeMiB: 32 })).toEqual({
      id: volume,
      enforced: false,
    })
    const first = await mounting(plain, volume)
    expect((await sh(first, 'echo kept >/data/file')).code).toBe(0)
    expect(await volumes.remove(volume).catch(codeOf)).toBe('ENGINE_CONFLICT')
    await first.remove({ graceMs: 0 })
    await volumes.ensure({ id: volume, sizeMiB: 32 })
    const second = await mounting(plain, volume, true)
    expect(await sh(second, 'cat /data/file; echo more >/data/file')).toEqual({
      code: 1,
      out: 'kept\n',
    })
    expect((await volumes.usedBytes()).get(volume)).toBeGreaterThan(0)
    await second.remove({ graceMs: 0 })
    await volumes.remove(volume)
    await volumes.remove(volume)
    expect(await volumes.list()).toEqual([])
  }, 60_000)

  test('a node lists its own, not those of another', async () => {
    await using other = await testEngine()
    const volume = id()
    await other.volumes!.ensure({ id: volume, sizeMiB: 16 })
    expect(await plain.volumes!.list()).toEqual([])
    await other.volumes!.remove(volume)
  }, 60_000)

  describe.skipIf(!canSize)('held to their size', () => {
    let sized: Awaited<ReturnType<typeof testEngine>>
    let volumes: EngineVolumes
    beforeAll(async () => {
      sized = await testEngine(undefined, { volumesDir: folder })
      volumes = sized.volumes!
    }, 60_000)
    afterAll(async () => {
      for (const { id } of await volumes.list()) await volumes.remove(id)
      await sized[Symbol.asyncDispose]()
    })

    test('the storage ends what is too much; no set-user bit, no device', async () => {
      const volume = id()
      expect(await volumes.ensure({ id: volume, sizeMiB: 16 })).toEqual({
        id: volume,
        enforced: true,
      })
      const lease = await mounting(sized, volume)
      const { out } = await sh(lease, 'grep " /data " /proc/mounts')
      expect(out).toMatch(/ ext4 rw,nosuid,nodev,/)
      expect((await sh(lease, 'dd if=/dev/zero of=/data/full bs=1M count=64')).code).toBe(1)
      expect((await volumes.usedBytes()).get(volume)).toBeGreaterThan(8 << 20)
      expect((await volumes.usedBytes()).get(volume)).toBeLessThanOrEqual(16 << 20)
      await lease.remove({ graceMs: 0 })
      await volumes.remove(volume)
      expect(await docker.getVolume(`cn-volume-${volume}`).inspect().catch(codeOf)).toBe('FAILED')
    }, 60_000)

    test('a node that starts again mounts what is there, while a lease goes on in it', async () => {
      const volume = id()
      await volumes.ensure({ id: volume, sizeMiB: 16 })
      const writer = await mounting(sized, volume)
      await sh(writer, 'echo before >/data/file')
      await sized.close()
      await using again = await testEngine(sized.nodeId, { volumesDir: folder })
      await again.volumes!.ensure({ id: volume, sizeMiB: 16 })
      const reader = await mounting(again, volume, true)
      await sh(writer, 'echo after >>/data/file')
      expect((await sh(reader, 'cat /data/file')).out).toBe('before\nafter\n')
      await Promise.all([writer.remove({ graceMs: 0 }), reader.remove({ graceMs: 0 })])
      // As `docker volume prune` does: the file is there, and is mounted again.
      await docker.getVolume(`cn-volume-${volume}`).remove()
      expect(await again.volumes!.list()).toEqual([{ id: volume, enforced: true }])
      await again.volumes!.ensure({ id: volume, sizeMiB: 16 })
      const last = await mounting(again, volume, true)
      expect((await sh(last, 'cat /data/file')).out).toBe('before\nafter\n')
      await last.remove({ graceMs: 0 })
      await again.volumes!.remove(volume)
      expect(await again.volumes!.list()).toEqual([])
    }, 60_000)
  })
})
