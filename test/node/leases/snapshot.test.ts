import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { codeOf } from '../../../src/errors.ts'
import { openSession } from '../../../src/node/leases/open-session.ts'
import { outputSchemas } from '../../../src/node/output-schemas.ts'
import { channels, controlToMiner, controlToRenter } from '../../../src/protocols/session.ts'
import { docker, noDocker, testEngine } from '../../support/docker.ts'
import { cutConnections, dockerLease } from '../../support/docker-lease.ts'
import { serveLease } from '../../support/served-lease.ts'

const forever = (): AbortSignal => new AbortController().signal
const ask = (
  more: { maxBytes?: number; pause?: boolean; have?: { bytes: number; sha256: Uint8Array } } = {},
) => ({
  kind: 'snapshot' as const,
  tag: 'work:1',
  pause: true,
  ...more,
})

const underWay = async (nodeId: string): Promise<number> =>
  (await docker.listImages({ filters: { label: [`cn.snapshot=${nodeId}`] } })).length

describe.skipIf(noDocker)('a snapshot of a lease', { timeout: 120_000 }, () => {
  test('comes whole, with its length and SHA-256, also in two connections; nothing is left of it', async () => {
    const { engine, renter, friend, at } = await dockerLease({ snapshotGraceMs: 3000 })
    const read = async (
      request: ReturnType<typeof ask>,
      onBytes: (bytes: number) => unknown = () => undefined,
      hash = createHash('sha256'),
    ) => {
      const channel = await openSession(renter.book, at, request, forever())
      const got = { hash, bytes: 0, from: -1, whole: undefined as unknown }
      try {
        for await (const { channel: from, data } of channel.frames()) {
          if (from === channels.stdout) {
            got.hash.update(data)
            got.bytes += data.length
            await onBytes(got.bytes)
            continue
          }
          const control = controlToRenter.decode(data)
          if (control.kind === 'whole') {
            got.whole = control
            const received = { kind: 'received' as const, received: control.bytes }
            await channel.send(channels.control, controlToMiner.encode(received))
          }
          if (control.kind === 'started' && control.aboutBytes !== undefined) {
            got.from = control.fromBytes ?? 0
          }
        }
      } catch (error) {
        expect(codeOf(error)).toBe('PEER_LOST')
      }
      return got
    }
    let twice: string | undefined
    const first = await read(ask(), async () => {
      // One at a time, whoever of the lease asks.
      twice ??= await openSession(friend.book, at, ask(), forever()).then(() => 'begun', codeOf)
    })
    expect(twice).toBe('REFUSED_SNAPSHOT')
    const sha256 = new Uint8Array(first.hash.digest())
    expect(first).toMatchObject({ from: 0, whole: { kind: 'whole', bytes: first.bytes, sha256 } })
    expect(await underWay(engine.nodeId)).toBe(0)

    const broken = await read(ask({ pause: false }), (bytes) => {
      if (bytes > 1_000_000) cutConnections(renter)
    })
    expect(broken.whole).toBeUndefined()
    expect(await underWay(engine.nodeId)).toBe(1)
    const have = { bytes: broken.bytes, sha256: new Uint8Array(broken.hash.copy().digest()) }
    const rest = await read(ask({ pause: false, have }), undefined, broken.hash)
    expect(rest.from).toBe(have.bytes)
    const all = { bytes: have.bytes + rest.bytes, sha256: new Uint8Array(rest.hash.digest()) }
    expect(rest.whole).toEqual({ kind: 'whole', ...all })
    expect(await underWay(engine.nodeId)).toBe(0)

    // What came is not of this one: it begins anew.
    const again = await read(
      ask({ have: { ...have, sha256: new Uint8Array(32) } }),
      () => undefined,
    )
    expect(again).toMatchObject({ from: 0, whole: { bytes: again.bytes } })

    await read(ask(), () => cutConnections(renter))
    await expect.poll(() => underWay(engine.nodeId), { timeout: 30_000 }).toBe(0)
    const tooLarge = await openSession(renter.book, at, ask({ maxBytes: 1000 }), forever())
    const answer = await (async () => {
      for await (const frame of tooLarge.frames()) void frame
    })().catch(codeOf)
    expect(answer).toBe('REFUSED_SNAPSHOT_SIZE')
    expect(await underWay(engine.nodeId)).toBe(0)
  })

  test('by command: a file for docker load, without the volume that the lease has', async () => {
    const engine = await testEngine()
    const volumes = [{ name: 'data', path: '/data', sizeMiB: 16 }]
    await using lease = await serveLease(engine, 'busybox:1.37', { volumes })
    try {
      const cli = async (...args: string[]) => lease.cli(...args).ended
      const write = 'echo image >/work && echo volume >/data/work'
      expect((await cli('exec', lease.id, '--', 'sh', '-c', write)).code).toBe(0)
      const file = join(lease.home, 'work.tar')
      const tag = `cn-test-${lease.id.slice(0, 8)}:1`
      const made = await cli('snapshot', lease.id, '--output', file, '--tag', tag, '--json')
      expect(made.err).toBe('')
      const result = outputSchemas['snapshot']!.schema.parse(JSON.parse(made.out))
      const archive = await readFile(file)
      const sha256 = createHash('sha256').update(archive).digest('hex')
      expect(result).toMatchObject({ file, tag, bytes: archive.length, sha256 })
      expect((await stat(file)).mode & 0o777).toBe(0o600)
      expect(await text((await docker.loadImage(file)) as Readable)).toContain(tag)
      await docker.getImage(tag).remove({ force: true })
      expect(archive.includes('image\n')).toBe(true)
      expect(archive.includes('volume\n')).toBe(false)

      expect(await readdir(lease.home)).toEqual(['work.tar'])

      // One whose connection breaks in the middle goes on there.
      const big = 'dd if=/dev/urandom of=/big bs=1M count=48 2>/dev/null'
      expect((await cli('exec', lease.id, '--', 'sh', '-c', big)).code).toBe(0)
      const making = lease.cli('snapshot', lease.id, '--output', file)
      const come = () =>
        stat(`${file}.part`).then(
          ({ size }) => size,
          () => 0,
        )
      await expect.poll(come, { interval: 5, timeout: 60_000 }).toBeGreaterThan(1_000_000)
      cutConnections(lease.renter)
      const resumed = await making.ended
      expect(resumed.err).toMatch(/going on behind [1-9]\d* MiB/)
      expect(resumed.code).toBe(0)
      const sum = createHash('sha256')
        .update(await readFile(file))
        .digest('hex')
      expect(resumed.out).toContain(`SHA-256 ${sum}`)
      expect(await readdir(lease.home)).toEqual(['work.tar'])

      const listed = await cli('volumes', '--json')
      const { items } = JSON.parse(listed.out)
      outputSchemas['volumes']!.schema.parse(JSON.parse(listed.out))
      expect(items).toMatchObject([{ name: 'data', sizeMiB: 16, leases: [lease.id] }])
      const busy = await cli('volumes', 'rm', 'data')
      expect(busy).toMatchObject({ code: 5, err: expect.stringContaining('has volume data') })
    } finally {
      for (const container of await engine.list()) await container.remove({ graceMs: 0 })
      for (const { id } of await engine.volumes!.list()) await engine.volumes!.remove(id)
    }
  })
})
