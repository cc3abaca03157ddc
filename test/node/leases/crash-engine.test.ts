import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isStarted } from '../../../src/node/leases/lease-machine.ts'
import { until } from '../../support/crash-market.ts'
import { type CrashRow, playAll, type Scene, sh, startScenes } from '../../support/crash-scenes.ts'
import { noOwnDockerd } from '../../support/own-dockerd.ts'

type Scenes = Awaited<ReturnType<typeof startScenes>>
const TAKES_TERM_WELL = sh('trap "exit 0" TERM; while true; do sleep 0.1; done')

describe.skipIf(noOwnDockerd)('what happens to a container engine', () => {
  let scenes: Scenes
  beforeAll(async () => {
    scenes = await startScenes()
  })
  afterAll(() => scenes[Symbol.asyncDispose]())

  /** Ends the engine for a while: both sides are told that nobody knows, and nobody pays for it. */
  const away =
    (signal: 'SIGTERM' | 'SIGKILL', ...args: string[]) =>
    async (scene: Scene): Promise<void> => {
      const { hosted, now } = scene
      await scenes.served(scene)
      await scenes.dockerd.stop(signal)
      const unknown = () => hosted.lease.health === 'unknown' && now.lease.health === 'unknown'
      await until(() => !isStarted(hosted.lease) || unknown(), 'both are told')
      const { upMs, seq } = hosted.lease.meter!
      await until(
        () => !isStarted(hosted.lease) || hosted.lease.meter!.seq >= seq + 3,
        'it is metered',
      )
      expect(hosted.lease.meter!.upMs).toBe(upMs)
      await scenes.dockerd.start(...args)
    }

  const LIVE = '--live-restore'
  const rows: readonly CrashRow[] = [
    {
      what: 'stopped',
      happens: away('SIGTERM'),
      ends: 'engine-fault (miner)',
      orEnds: 'host-killed (miner)', // seen before the engine was away
    },
    {
      what: 'stopped, which the main process takes well',
      command: TAKES_TERM_WELL,
      happens: away('SIGTERM'),
      ends: 'unknown (nobody)',
      orEnds: 'host-killed (miner)', // seen before the engine was away
    },
    {
      what: 'killed',
      happens: away('SIGKILL'),
      ends: 'host-killed (miner)', // by the engine, when it starts again
      orEnds: 'engine-fault (miner)',
    },
  ]
  const liveRows: readonly CrashRow[] = [
    { what: 'stopped, with live-restore', happens: away('SIGTERM', LIVE), ends: 'goes on' },
    { what: 'killed, with live-restore', happens: away('SIGKILL', LIVE), ends: 'goes on' },
  ]

  test('that is stopped, killed and started again', async () => {
    const pair = await scenes.pair()
    const said: string[] = []
    const playEach = async (some: readonly CrashRow[]): Promise<void> => {
      for (const row of some) {
        const { found } = await playAll([row], () => scenes.play(row, pair))
        said.push(...found)
      }
    }
    await playEach(rows)
    await scenes.dockerd.stop('SIGTERM')
    await scenes.dockerd.start(LIVE)
    await playEach(liveRows)
    expect(said).toEqual([...rows, ...liveRows].map(({ ends }) => ends))
  }, 240_000)

  test('whose disk is full', async () => {
    const pair = await scenes.pair()
    const scene = await scenes.rentIn(pair)
    await scenes.served(scene)
    const free = await scenes.dockerd.fill(512 * 1024)
    const filled = await scene.run(sh('dd if=/dev/zero of=/big bs=64k count=64; echo $?'))
    expect(filled.stdout).toBe('1\n')
    await free()
    expect(await scene.run(['rm', '/big'])).toMatchObject({ exitCode: 0 })
    expect(await scenes.endOf(scene, true)).toBe('goes on')
    await scenes.inOrder(scene)
  }, 240_000)
})
