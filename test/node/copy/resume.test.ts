import { hash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { copyIn } from '../../../src/node/copy/copy-in.ts'
import { CopyJob } from '../../../src/node/copy/copy-job.ts'
import { copyOut } from '../../../src/node/copy/copy-out.ts'
import { keepCopying } from '../../../src/node/copy/keep-copying.ts'
import type { RentersTalk } from '../../../src/node/copy/look-at.ts'
import { openSession } from '../../../src/node/leases/open-session.ts'
import { MiB } from '../../../src/units.ts'
import { noDocker, testEngine } from '../../support/docker.ts'
import { cutConnections } from '../../support/docker-lease.ts'
import { FakeLedger } from '../../support/fake-ledger.ts'
import {
  freshKey,
  meet,
  orderOf,
  startMiner,
  startRenter,
  take,
  tempFolder,
} from '../../support/lease-market.ts'
import { until } from '../../support/peers.ts'
import { execIn } from '../../support/session.ts'

const SIZE = 48 * MiB
const FAR = 32 * MiB

/** Does something once, when so much has travelled. */
class WatchedJob extends CopyJob {
  readonly #then: () => void
  #done = false
  constructor(then: () => void) {
    super()
    this.#then = then
  }
  override travelled(bytes: number): void {
    super.travelled(bytes)
    if (this.#done || this.bytes < FAR) return
    this.#done = true
    this.#then()
  }
}

/** A lease in a container, between peers that can be cut off and, the miner, killed. */
async function setUp() {
  const engine = await testEngine()
  onTestFinished(() => engine[Symbol.asyncDispose]())
  const [ledger, key, folder] = [new FakeLedger(), freshKey(), await tempFolder()]
  const start = () => startMiner({ key, ledger, engine, folder, endOnStop: false })
  const miner = await start()
  const renter = await startRenter({ key: freshKey(), ledger, miners: [miner] })
  ledger.grant(renter.key, 10_000_000n)
  const now = await take(renter, orderOf(miner, { durationMs: 600_000 }))
  await until(() => now.lease.state === 'ACTIVE', 60_000)
  const at = { leaseId: now.lease.leaseId, miner: key.peerId }
  const inside = async (script: string): Promise<string> =>
    (await execIn({ renter, ...at, command: ['sh', '-c', script] })).stdout
  const copy = async (
    work: (talk: RentersTalk) => Promise<void>,
    job: CopyJob,
    signal = new AbortController().signal,
  ): Promise<number> => {
    let lost = 0
    await keepCopying({
      open: () => openSession(renter.book, at, { kind: 'files' }, signal),
      ...{ work, job, signal, resumes: true, onLost: () => void lost++ },
    })
    return lost
  }
  return { miner, renter, start, inside, copy }
}

describe.skipIf(noDocker)('a copy that is broken off', { timeout: 180_000 }, () => {
  test('goes on over another connection, after Ctrl-C, and after the miner was killed', async () => {
    const { miner, renter, start, inside, copy } = await setUp()
    const root = await tempFolder()
    const from = join(root, 'from')
    await mkdir(from)
    const content = randomBytes(SIZE)
    await writeFile(join(from, 'large'), content)
    for (let i = 0; i < 300; i++) await writeFile(join(from, `small-${i}`), `content ${i}`)

    // The connection breaks on the way in.
    const cut = new WatchedJob(() => cutConnections(renter))
    expect(await copy((talk) => copyIn(talk, { from, to: '/a' }, cut), cut)).toBe(1)
    expect(await inside('cd /a; sha256sum large | cut -c1-64; ls -A | wc -l')).toBe(
      `${hash('sha256', content)}\n301\n`,
    )
    expect(cut.result.files).toBe(301)
    expect(cut.bytes).toBeLessThan(SIZE + FAR / 2)

    // Its person ends it, and runs it again.
    const leaving = new AbortController()
    const left = new WatchedJob(() => leaving.abort(new Error('Ctrl-C')))
    const task = (job: CopyJob) => (talk: RentersTalk) => copyIn(talk, { from, to: '/b' }, job)
    await expect(copy(task(left), left, leaving.signal)).rejects.toThrow('Ctrl-C')
    const again = new CopyJob()
    await copy(task(again), again)
    expect(again.result).toMatchObject({ files: 1, unchanged: 300 })
    expect(again.bytes).toBeLessThan(SIZE - FAR / 2)
    expect(await inside('cmp /a/large /b/large && ls -A /b | wc -l')).toBe('301\n')

    // The miner's node is killed on the way out.
    let restarted: Promise<void> | undefined
    const killed = new WatchedJob(() => {
      restarted = (async () => {
        await miner.kill()
        const second = await start()
        await meet(renter, second)
      })()
    })
    const to = join(root, 'to')
    expect(await copy((talk) => copyOut(talk, { from: '/a', to }, killed), killed)).toBe(1)
    await restarted
    expect((await readFile(join(to, 'large'))).equals(content)).toBe(true)
    expect(await readdir(to)).toHaveLength(301)
    expect(killed.bytes).toBeLessThan(SIZE + FAR / 2)
  })
})
