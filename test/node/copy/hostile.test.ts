import { hash } from 'node:crypto'
import { link, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createProcessEngine } from '../../../src/containers/process-engine.ts'
import { copyIn } from '../../../src/node/copy/copy-in.ts'
import { CopyJob, type CopyResult } from '../../../src/node/copy/copy-job.ts'
import { copyOut } from '../../../src/node/copy/copy-out.ts'
import { lookAt } from '../../../src/node/copy/look-at.ts'
import { partOf } from '../../../src/node/copy/part-name.ts'
import { openSession } from '../../../src/node/leases/open-session.ts'
import { minersTalk, rentersTalk } from '../../../src/protocols/files-talk.ts'
import { sessionProtocol } from '../../../src/protocols/session.ts'
import {
  FILES_CHANNEL,
  type FoundEntry,
  filesToRenter,
} from '../../../src/protocols/session-files.ts'
import { openTunnel, serveTunnel } from '../../../src/protocols/tunnel.ts'
import { noDocker } from '../../support/docker.ts'
import { dockerLease } from '../../support/docker-lease.ts'
import { FakeLedger } from '../../support/fake-ledger.ts'
import {
  freshKey,
  orderOf,
  startMiner,
  startRenter,
  take,
  tempFolder,
} from '../../support/lease-market.ts'
import { createPair, until } from '../../support/peers.ts'
import { execIn } from '../../support/session.ts'

const { signal } = new AbortController()
const entry = (path: string, changes: Partial<FoundEntry> = {}): FoundEntry => ({
  ...{ path, type: 'file', size: 4, mode: 0o644, mtime: 1, uid: 0, gid: 0, links: 1 },
  ...changes,
})
const folder = (path: string): FoundEntry => entry(path, { type: 'folder', mode: 0o755 })

interface Lies {
  readonly entries: readonly FoundEntry[]
  /** What each file is said to hold; `evil` when absent. */
  readonly content?: string
  readonly sha256?: Uint8Array
  /** Where every link leads. */
  readonly target?: string
}

/** Copies from a miner that answers as it likes, over real peers. */
async function copyFrom(to: string, lies: Lies): Promise<CopyResult> {
  const { asker, answerer } = await createPair()
  const content = Buffer.from(lies.content ?? 'evil')
  const sha256 = lies.sha256 ?? hash('sha256', content, 'buffer')
  await serveTunnel(
    answerer.rpc,
    sessionProtocol,
    async (_, channel) => {
      const talk = minersTalk(channel)
      const say = (message: object) =>
        channel.send(FILES_CHANNEL, filesToRenter.encode(message as never)) // of any shape
      for (;;) {
        const message = (await talk.hear()) as { message: { kind: string; paths?: string[] } }
        if (message === undefined) return
        const { kind, paths = [''] } = message.message
        if (kind === 'look') await say({ kind: 'entries', entries: lies.entries })
        else {
          for (const path of paths) {
            const { type } = lies.entries.find((one) => one.path === path) ?? entry('')
            if (type === 'link') {
              await say({ kind: 'link', target: lies.target })
              continue
            }
            await say({ kind: 'file', offset: 0, size: content.length })
            await talk.give(content)
            await say({ kind: 'sum', sha256 })
          }
        }
        await say({ kind: 'done' })
      }
    },
    signal,
  )
  const request = { kind: 'files' as const, leaseId: new Uint8Array(32) }
  const peer = answerer.libp2p.peerId.toString()
  const channel = await openTunnel(asker.rpc, sessionProtocol, peer, request, signal)
  const job = new CopyJob()
  await copyOut(rentersTalk(channel), { from: '/tree', to }, job)
  return job.result
}

describe('a miner that wants to write elsewhere', () => {
  test.each([
    ['climbs', '../evil'],
    ['climbs from below', 'a/../../evil'],
    ['is absolute', '/tmp/cn-evil'],
    ['has an empty part', 'a//evil'],
    ['has a dot', './evil'],
    ['is over-long', 'e'.repeat(256)],
    ['is far too long', `${'e/'.repeat(3000)}e`],
    ['holds a zero', 'e\0vil'],
  ])('a name that %s', async (_, path) => {
    const root = await tempFolder()
    const to = join(root, 'to')
    const copied = copyFrom(to, { entries: [folder(''), entry(path)] })
    await expect(copied).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
    expect(await readdir(root)).toEqual([])
  })

  test('through links: its own, those that are here, and parts that have another name', async () => {
    const root = await tempFolder()
    const [to, secret] = [join(root, 'to'), join(root, 'secret')]
    await mkdir(join(root, 'outside'))
    await mkdir(to)
    await writeFile(secret, 'kept')
    await symlink('../outside', join(to, 'here'))
    await symlink(secret, join(to, 'name'))
    const refuses = async (entries: FoundEntry[], target = '../outside') =>
      expect(copyFrom(to, { entries: [folder(''), ...entries], target })).rejects.toMatchObject({
        code: 'FAILED_FILES',
      })
    await refuses([folder('here'), entry('here/evil')])
    await refuses([entry('here/evil')])
    await refuses([entry('l', { type: 'link' }), entry('l/evil')], 'x')
    await refuses([folder('d'), entry('d/a'), entry('d/a/b')])
    const part = partOf('linked', entry('linked'))
    await symlink(secret, join(to, part))
    await refuses([entry('linked')])
    await link(secret, join(to, partOf('hard', entry('hard'))))
    await refuses([entry('hard')])
    // What is a link here is replaced, and not what it leads to.
    await copyFrom(to, { entries: [folder(''), entry('name')] })
    expect(await readFile(join(to, 'name'), 'utf8')).toBe('evil')
    expect(await readFile(secret, 'utf8')).toBe('kept')
    expect(await readdir(join(root, 'outside'))).toEqual([])
    for (const target of ['/etc/passwd', '..', '../outside', 'a/../../x']) {
      const { left, links } = await copyFrom(to, {
        entries: [folder(''), entry('up', { type: 'link' })],
        target,
      })
      expect({ left: left.length, links }).toEqual({ left: 1, links: 0 })
    }
  })

  test('contents that are not what was said leave the file that was here', async () => {
    const to = join(await tempFolder(), 'to')
    await mkdir(to)
    await writeFile(join(to, 'f'), 'mine')
    const copied = (lies: Partial<Lies>, size = 4) =>
      copyFrom(to, { entries: [folder(''), entry('f', { size })], ...lies })
    await expect(copied({ sha256: new Uint8Array(32) })).rejects.toMatchObject({
      code: 'FAILED_CHECKSUM',
    })
    const big = 5 * 1024 * 1024
    await expect(
      copied({ sha256: new Uint8Array(32), content: 'x'.repeat(big) }, big),
    ).rejects.toMatchObject({
      code: 'FAILED_CHECKSUM',
    })
    // It goes on although it was all: nothing more is taken.
    await expect(copied({ content: 'x'.repeat(big + 1) }, big)).rejects.toMatchObject({
      code: 'FAILED_FILES',
    })
    await expect(copied({ content: 'x'.repeat(big) })).rejects.toMatchObject({
      code: 'BAD_MESSAGE',
    })
    expect(await readFile(join(to, 'f'), 'utf8')).toBe('mine')
  })

  test('set-id bits and devices stay there', async () => {
    const to = join(await tempFolder(), 'to')
    const entries = [folder(''), entry('suid', { mode: 0o6755 }), entry('dev', { type: 'other' })]
    expect(await copyFrom(to, { entries })).toMatchObject({ files: 1, left: [{ path: 'dev' }] })
    expect(await readdir(to)).toEqual(['suid'])
  })
})

test.skipIf(noDocker)(
  'a renter that wants to write elsewhere, or sends what it did not say',
  { timeout: 120_000 },
  async () => {
    const { renter, friend, at } = await dockerLease()
    const open = async (who = renter) =>
      rentersTalk(await openSession(who.book, at, { kind: 'files' }, signal))
    const inside = async (script: string): Promise<string> =>
      (await execIn({ renter, ...at, command: ['sh', '-c', script] })).stdout
    await inside('mkdir /data; echo old >/data/f')
    const put = async (
      path: string,
      sha256 = hash('sha256', 'evil', 'buffer'),
    ): Promise<unknown> => {
      const talk = await open()
      await talk.tell({
        kind: 'put',
        root: '/data',
        entries: [{ type: 'file', path, size: 4, mode: 0o644, mtime: 1 }],
      })
      await talk.give(Buffer.from('evil'))
      await talk.tell({ kind: 'sum', sha256 })
      return talk.hearMessage()
    }
    const wrong = Buffer.alloc(32)
    await expect(put('../evil')).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
    await expect(put('f', wrong)).rejects.toMatchObject({ code: 'FAILED_CHECKSUM' })
    const writing = await open(friend)
    await writing.tell({ kind: 'write', path: '/data/f', part: '/data/.part', offset: 0 })
    await writing.give(Buffer.from('evil'))
    await writing.tell({ kind: 'commit', size: 4, sha256: wrong })
    expect(await writing.hearMessage()).toEqual({ kind: 'from', offset: 0 })
    await expect(writing.hearMessage()).rejects.toMatchObject({ code: 'FAILED_CHECKSUM' })
    const silent = await open()
    await silent.give(Buffer.from('evil'))
    await expect(silent.hearMessage()).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
    expect(await put("it's; echo $(rm f)\n")).toEqual({ kind: 'done' })
    // What a refused write left is taken away behind its answer.
    await vi.waitFor(
      async () =>
        expect(await inside('cat /data/f; ls -A /data | wc -l; ls / | grep -c evil')).toBe(
          'old\n3\n0\n',
        ),
      { timeout: 20_000, interval: 200 },
    )
  },
)

test('without isolation only the lease’s own folder is reached', async () => {
  const genesis = new Uint8Array(32).fill(7)
  const proof = {
    ...{ network: 'local', genesis, embeddedGenesis: genesis },
    ...{ listen: ['/ip4/127.0.0.1/tcp/0'], admittedPeerIds: ['12D3a'] },
  }
  const root = await tempFolder()
  const engine = await createProcessEngine({ proof, stateDir: join(root, 'leases') })
  const ledger = new FakeLedger()
  const miner = await startMiner({ key: freshKey(), ledger, engine })
  const renter = await startRenter({ key: freshKey(), ledger, miners: [miner] })
  ledger.grant(renter.key, 10_000_000n)
  const now = await take(renter, orderOf(miner))
  await until(() => now.lease.state === 'ACTIVE')
  const at = { leaseId: now.lease.leaseId, miner: miner.key.peerId }
  onTestFinished(async () => {
    for (const container of await engine.list()) await container.remove({ graceMs: 0 })
  })
  const open = async () =>
    rentersTalk(await openSession(renter.book, at, { kind: 'files' }, signal))
  await writeFile(join(root, 'f'), 'content')
  await copyIn(await open(), { from: join(root, 'f'), to: 'sub/f' }, new CopyJob())
  await copyOut(await open(), { from: 'sub', to: join(root, 'back') }, new CopyJob())
  expect(await readFile(join(root, 'back/f'), 'utf8')).toBe('content')
  await execIn({ renter, ...at, command: ['ln', '-s', root, 'out'] })
  for (const path of [root, '/', '..', 'sub/../..', 'out', 'out/new/deep', join(root, 'new')]) {
    await expect(lookAt(await open(), path, false)).rejects.toMatchObject({ code: 'FAILED_FILES' })
    const copied = copyIn(await open(), { from: join(root, 'f'), to: path }, new CopyJob())
    await expect(copied).rejects.toMatchObject({ code: 'FAILED_FILES' })
  }
  expect((await readdir(root)).sort()).toEqual(['back', 'f', 'leases'])
})
