import { onTestFinished, vi } from 'vitest'
import { atMost } from '../../src/at-most.ts'
import { createDockerEngine } from '../../src/containers/docker-engine.ts'
import type { Engine } from '../../src/containers/engine.ts'
import type { HostedNow } from '../../src/node/leases/host-book.ts'
import { isOver } from '../../src/node/leases/lease-machine.ts'
import type { RentedNow } from '../../src/node/leases/rent-book.ts'
import type { RentOrder } from '../../src/node/leases/rent-lease.ts'
import {
  type CrashGround,
  endingOnBoth,
  expectInOrder,
  startGround,
  until,
} from './crash-market.ts'
import {
  freshKey,
  orderOf,
  startMiner,
  startRenter,
  stopLease,
  type TestMiner,
  type TestRenter,
  take,
} from './lease-market.ts'
import { execIn } from './session.ts'

export const sh = (script: string): string[] => ['sh', '-c', script]

/** A miner and a renter that know each other. */
export interface CrashPair {
  readonly miner: TestMiner
  readonly renter: TestRenter
}

/** A lease between them, as something happens to it. */
export interface Scene extends CrashPair {
  readonly now: RentedNow
  readonly hosted: HostedNow
  run(command: readonly string[]): Promise<{ stdout: string; exitCode: number | undefined }>
  readonly docker: CrashGround['dockerd']['docker']
  /** Its container, past the miner. */
  container(): ReturnType<CrashGround['dockerd']['docker']['getContainer']>
}

/** What happens to a lease, and `code (whose fault)` of how it ends; `goes on` when it does not. */
export interface CrashRow {
  readonly what: string
  /** Its main process; without one it idles. */
  readonly command?: readonly string[]
  readonly image?: string
  /** Whether its network shall be held by a container of its own. */
  readonly isHeld?: true
  readonly happens: (scene: Scene) => Promise<unknown>
  /** Where it depends on when the miner looks, the others that are right too. */
  readonly ends: string
  readonly orEnds?: string
}

/** Two cores do no more at once. */
const some = atMost(4)

/** A ground with what its tests do on it; DOCKER_HOST leads to its engine until it is disposed. */
export async function startScenes() {
  const ground = await startGround()
  const { dockerd, net, railOf } = ground
  vi.stubEnv('DOCKER_HOST', dockerd.host)
  const engine = await createDockerEngine({ nodeId: 'first' })
  await engine.ensureImage('busybox:1.37')
  await engine.close()
  /** What the faucet gives each renter. */
  const granted = await railOf(freshKey()).faucet()

  /** A node's, which with all its containers ends with the test. */
  async function engineOf(nodeId: string): Promise<Engine> {
    const own = await createDockerEngine({ nodeId })
    onTestFinished(async () => {
      for (const container of await own.list()) await container.remove({ graceMs: 0 })
      await own.close()
    })
    return own
  }

  /** `wrap` changes how the miner's engine does. */
  async function pair(wrap: (engine: Engine) => Engine = (one) => one): Promise<CrashPair> {
    const common = { net, ledger: { railOf } }
    const room = () => ({ memoryMiB: 64, milliCpus: 1000, diskMiB: 100 })
    const key = freshKey()
    const own = wrap(await engineOf(key.peerId))
    const miner = await startMiner({ ...common, key, engine: own, book: { room } })
    const renter = await startRenter({ ...common, key: freshKey(), miners: [miner] })
    await railOf(renter.key).faucet()
    return { miner, renter }
  }

  async function rentIn(at: CrashPair, changes: Partial<RentOrder> = {}): Promise<Scene> {
    const { miner, renter } = at
    const now = await take(renter, orderOf(miner, { durationMs: 600_000, ...changes }))
    const hosted = miner.book.live.get(now.id)!
    const { leaseId } = now.lease
    return {
      ...at,
      docker: dockerd.docker,
      now,
      hosted,
      run: (words) => execIn({ renter, leaseId, miner: miner.key.peerId, command: words }),
      container: () => dockerd.docker.getContainer(hosted.container!.id),
    }
  }

  /** Until it is served, or has ended. */
  const served = ({ now }: Scene): Promise<void> =>
    until(() => isOver(now.lease) || now.lease.acknowledgedSeq > 0, 'it is served')

  /** Until the engine keeps a network ready for the next lease. */
  const prepared = ({ miner }: CrashPair): Promise<void> =>
    until(async () => {
      const label = [`cn.node=${miner.key.peerId}`, 'cn.holder=1']
      return (await dockerd.docker.listContainers({ filters: { label } })).length > 0
    }, 'a network is ready')

  const inOrder = (scene: Scene): Promise<void> =>
    expectInOrder(ground, { ...scene, id: scene.now.id, granted, railOf })

  /** How it ends; what goes on is stopped. */
  async function endOf(scene: Scene, goesOn: boolean): Promise<string> {
    const { miner, renter, now, hosted } = scene
    if (!goesOn) return endingOnBoth(miner, renter, now.id)
    const seq = hosted.lease.meter?.seq ?? 0
    const isWell = () => now.lease.meter.seq >= seq + 2 && now.lease.health === 'ok'
    await until(() => isOver(now.lease) || isWell(), 'it is well, or over')
    if (isOver(now.lease)) return endingOnBoth(miner, renter, now.id)
    const { stdout } = await scene.run(['echo', 'again'])
    if (stdout !== 'again\n') return 'runs no commands'
    await stopLease(renter, now)
    const ends = await endingOnBoth(miner, renter, now.id)
    return ends === 'renter-stopped (renter)' ? 'goes on' : ends
  }

  /** Plays a row in a pair: what happens, how it ends, and that all is in order then. */
  async function play(row: CrashRow, at: CrashPair): Promise<string> {
    const { command, image, isHeld, happens, ends, orEnds } = row
    if (isHeld === true) await prepared(at)
    const scene = await rentIn(at, {
      ...(command === undefined ? {} : { command: [...command] }),
      ...(image === undefined ? {} : { image }),
    })
    await happens(scene)
    const found = await endOf(scene, ends === 'goes on')
    await inOrder(scene)
    return found === orEnds ? ends : found
  }

  return {
    ...ground,
    granted,
    engineOf,
    pair,
    rentIn,
    served,
    endOf,
    inOrder,
    play,
    async [Symbol.asyncDispose]() {
      vi.unstubAllEnvs()
      await ground[Symbol.asyncDispose]()
    },
  }
}

/** Plays all rows at once, a few at a time; prints what each found, beside what it should find. */
export async function playAll(
  rows: readonly Pick<CrashRow, 'what' | 'ends'>[],
  play: (index: number) => Promise<string>,
): Promise<{ found: string[]; wanted: string[] }> {
  const results = await Promise.allSettled(rows.map((_, i) => some(() => play(i))))
  const found = results.map((one) =>
    one.status === 'fulfilled' ? one.value : `BROKEN: ${one.reason?.stack ?? one.reason}`,
  )
  console.info(rows.map(({ what }, i) => `${what.padEnd(48)} ${found[i]}`).join('\n'))
  return { found, wanted: rows.map(({ ends }) => ends) }
}
