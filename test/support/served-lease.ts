import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Engine } from '../../src/containers/engine.ts'
import { silent } from '../../src/log.ts'
import { execRoute } from '../../src/node/control/routes/exec.ts'
import { filesRoute } from '../../src/node/control/routes/files.ts'
import { forwardRoute } from '../../src/node/control/routes/forward.ts'
import { leaseFilesRoute } from '../../src/node/control/routes/lease-files.ts'
import { leaseForwardsRoute } from '../../src/node/control/routes/lease-forwards.ts'
import { leasesRoute } from '../../src/node/control/routes/leases.ts'
import { loginRoute } from '../../src/node/control/routes/login.ts'
import { portRoute } from '../../src/node/control/routes/port.ts'
import { snapshotRoute } from '../../src/node/control/routes/snapshot.ts'
import { usageRoute } from '../../src/node/control/routes/usage.ts'
import { volumesRoute } from '../../src/node/control/routes/volumes.ts'
import { startControl } from '../../src/node/control/server.ts'
import type { RentOrder } from '../../src/node/leases/rent-lease.ts'
import type { Offers } from '../../src/node/offers.ts'
import { FakeLedger } from './fake-ledger.ts'
import {
  freshKey,
  orderOf,
  startMiner,
  startRenter,
  type TestMiner,
  type TestRenter,
  take,
} from './lease-market.ts'

/** A lease in a real container, whose renter's node answers the commands of a data folder. */
export interface ServedLease extends AsyncDisposable {
  readonly id: string
  readonly miner: TestMiner
  readonly renter: TestRenter
  /** As `openSession` and its like want it. */
  readonly at: { readonly leaseId: Uint8Array; readonly miner: string }
  readonly dataDir: string
  /** The control API on loopback, and what opens it. */
  readonly api: { readonly url: string; readonly token: string }
  /** The home folder of its commands. */
  readonly home: string
  /** What `ssh-config --write` writes. */
  readonly sshConfig: string
  cli(...args: string[]): {
    readonly child: ChildProcess
    readonly ended: Promise<{ code: number | null; out: string; err: string }>
  }
}

const entry = join(import.meta.dirname, '../../bin/compute-node.js')

/** Rents `image` of a miner with this engine; everything ends with it, the engine too. */
export async function serveLease(
  engine: Engine & AsyncDisposable,
  image: string,
  order: Partial<RentOrder> = {},
): Promise<ServedLease> {
  const stack = new AsyncDisposableStack()
  stack.use(engine)
  const dataDir = await mkdtemp(join(tmpdir(), 'cn-served-'))
  stack.defer(() => rm(dataDir, { recursive: true, force: true }))
  const home = join(dataDir, 'home')
  await mkdir(home)
  const folder = (name: string) => join(dataDir, name)
  const ledger = new FakeLedger()
  const miner = await startMiner({ key: freshKey(), ledger, engine, folder: folder('miner') })
  stack.defer(miner.stop)
  const miners = [miner]
  const renter = await startRenter({ key: freshKey(), ledger, miners, folder: folder('renter') })
  stack.defer(renter.stop)
  ledger.grant(renter.key, 10_000_000n)
  const control = await startControl({
    parts: { renting: renter.book, offers: {} as Offers },
    routes: [
      leasesRoute,
      execRoute,
      filesRoute,
      leaseFilesRoute,
      leaseForwardsRoute,
      portRoute,
      forwardRoute,
      loginRoute,
      snapshotRoute,
      usageRoute,
      volumesRoute,
    ],
    socketPath: join(dataDir, 'control.sock'),
    tokenFile: join(dataDir, 'control.token'),
    apiPort: 0,
    log: silent,
  })
  stack.defer(() => control[Symbol.asyncDispose]())
  const now = await take(renter, orderOf(miner, { image, durationMs: 600_000, ...order }))
  const owned = stack.move()
  return {
    id: now.id,
    miner,
    renter,
    at: { leaseId: now.lease.leaseId, miner: miner.key.peerId },
    dataDir,
    api: { url: control.apiUrl!, token: await readFile(join(dataDir, 'control.token'), 'utf8') },
    home,
    sshConfig: join(dataDir, 'ssh', 'config'),
    cli(...args) {
      const at = args.indexOf('--')
      const own = ['--data-dir', dataDir]
      const words = at < 0 ? [...args, ...own] : [...args.slice(0, at), ...own, ...args.slice(at)]
      const env = { ...process.env, HOME: home }
      const child = spawn(process.execPath, [entry, ...words], { env })
      return { child, ended: outcome(child) }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function outcome(child: ChildProcess) {
  const closed = once(child, 'close')
  const [out, err] = await Promise.all([text(child.stdout!), text(child.stderr!)])
  const [code] = (await closed) as [number | null]
  return { code, out, err }
}
