import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { sleep } from '../../../src/clock.ts'
import { codeOf } from '../../../src/errors.ts'
import { openSession } from '../../../src/node/leases/open-session.ts'
import { outputSchemas } from '../../../src/node/output-schemas.ts'
import { channels, controlToRenter } from '../../../src/protocols/session.ts'
import { docker, noDocker, testEngine } from '../../support/docker.ts'
import { cutConnections, dockerLease } from '../../support/docker-lease.ts'
import { serveLease } from '../../support/served-lease.ts'

const forever = (): AbortSignal => new AbortController().signal
const ask = (more: { maxBytes?: number; pause?: boolean } = {}) => ({
  kind: 'snapshot' as const,
  tag: 'work:1',
  pause: true,
  ...more,
})

const underWay = async (nodeId: string): Promise<number> =>
  (await docker.listImages({ filters: { label: [`cn.snapshot=${nodeId}`] } })).length

describe.skipIf(noDocker)('a snapshot of a lease', { timeout: 120_000 }, () => {
  test('comes whole, with its length and SHA-256; a renter that breaks off leaves nothing', async () => {
    const { engine, renter, friend, at } = await dockerLease()
    const channel = await openSession(renter.book, at, ask(), forever())
    const hash = createHash('sha256')
    let bytes = 0
    let whole: object | undefined
    let twice: string | undefined
    for await (const { channel: from, data } of channel.frames()) {
      if (from === channels.stdout) {
        hash.update(data)
        bytes += data.length
        continue
      }
      const control = controlToRenter.decode(data)
      if (control.kind === 'whole') whole = control
      // One at a time, whoever of the lease asks.
      twice ??= await openSession(friend.book, at, ask(), forever()).then(() => 'begun', codeOf)
    }
    expect(twice).toBe('REFUSED_SNAPSHOT')
    expect(whole).toEqual({ kind: 'whole', bytes, sha256: new Uint8Array(hash.digest()) })
    expect(await underWay(engine.nodeId)).toBe(0)

    const second = await openSession(renter.book, at, ask({ pause: false }), forever())
    const broken = (async () => {
      for await (const { channel: from } of second.frames()) {
        if (from === channels.stdout) cutConnections(renter)
      }
    })()
    expect(await broken.then(() => 'whole', codeOf)).toBe('PEER_LOST')
    const tooLarge = async (): Promise<string> => {
      const third = await openSession(renter.book, at, ask({ maxBytes: 1000 }), forever())
      for await (const frame of third.frames()) void frame
      return 'whole'
    }
    // The place is free again once nothing is left of the one before.
    let answer = await tooLarge().catch(codeOf)
    while (answer === 'REFUSED_SNAPSHOT') {
      await sleep(50)
      answer = await tooLarge().catch(codeOf)
    }
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
