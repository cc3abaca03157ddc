import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { until } from '../../support/crash-market.ts'
import { type CrashRow, playAll, type Scene, sh, startScenes } from '../../support/crash-scenes.ts'
import { noDocker } from '../../support/docker.ts'
import { startEngineProxy } from '../../support/engine-proxy.ts'
import { stopLease } from '../../support/lease-market.ts'
import { noOwnDockerd } from '../../support/own-dockerd.ts'
import { startRegistry } from '../../support/registry.ts'

/** The engine that reaches this machine's loopback, where the registry is. */
const commonEngine = process.env['DOCKER_HOST']

type Scenes = Awaited<ReturnType<typeof startScenes>>

const containerRows: readonly CrashRow[] = [
  {
    what: 'a command needs more memory than there is',
    happens: async ({ run, now }) => {
      const hungry = await run(sh('x=a; while true; do x=$x$x; done'))
      expect(hungry.exitCode).toBe(137)
      await until(
        () => now.progress?.startsWith('out of memory') === true,
        'its renter is told why',
      )
    },
    ends: 'goes on',
  },
  {
    what: 'the main process needs more memory',
    command: sh('sleep 1; x=a; while true; do x=$x$x; done'),
    happens: async () => undefined,
    ends: 'out-of-memory (renter)',
  },
  {
    what: 'the host stops it',
    happens: ({ container }) => container().stop({ t: 5 }),
    ends: 'host-killed (miner)',
  },
  {
    what: 'the host stops it, which it takes well',
    command: sh('trap "exit 0" TERM; while true; do sleep 0.1; done'),
    happens: ({ container }) => container().stop({ t: 5 }),
    ends: 'host-killed (miner)',
  },
  {
    what: 'the host kills it',
    happens: ({ container }) => container().kill({ signal: 'SIGKILL' }),
    ends: 'host-killed (miner)',
  },
  {
    what: 'the host removes it',
    happens: ({ container }) => container().remove({ force: true }),
    ends: 'container-gone (miner)',
    orEnds: 'host-killed (miner)', // seen when it is dead and not yet removed
  },
  {
    what: 'the renter kills PID 1',
    happens: ({ run }) => run(['kill', '1']).catch(() => undefined), // its connection may break
    ends: 'command-failed (renter)',
  },
  {
    what: 'the renter kills PID 1 after a hundred commands',
    happens: async ({ run }) => {
      for (let i = 0; i < 5; i++) {
        await Promise.all(Array.from({ length: 20 }, () => run(['true'])))
      }
      await run(['kill', '1']).catch(() => undefined) // its connection may break
    },
    ends: 'command-failed (renter)',
  },
  {
    what: 'the host pauses it for a while',
    happens: async ({ container, hosted, now }) => {
      await container().pause()
      await until(() => now.progress?.includes('paused from outside') === true, 'it is told why')
      await until(
        () => hosted.lease.health === 'failed' && now.lease.health === 'failed',
        'both are told',
      )
      const { upMs, seq } = hosted.lease.meter!
      await until(() => hosted.lease.meter!.seq >= seq + 3, 'it is metered')
      expect(hosted.lease.meter!.upMs).toBe(upMs)
      await container().unpause()
    },
    ends: 'goes on',
  },
  {
    what: 'what holds its network is removed',
    isHeld: true,
    happens: async ({ container, docker }) => {
      const { HostConfig } = await container().inspect()
      const [kind, holder] = HostConfig.NetworkMode!.split(':')
      expect(kind).toBe('container')
      await docker.getContainer(holder!).remove({ force: true })
    },
    ends: 'goes on',
  },
]

describe.skipIf(noOwnDockerd || noDocker)('what happens to a container', () => {
  let scenes: Scenes
  beforeAll(async () => {
    scenes = await startScenes()
  })
  afterAll(() => scenes[Symbol.asyncDispose]())

  test('while it runs', async () => {
    const { found, wanted } = await playAll(containerRows, async (i) => {
      const row = containerRows[i]!
      const happens = async (scene: Scene) => {
        await scenes.served(scene)
        await row.happens(scene)
      }
      return scenes.play({ ...row, happens }, await scenes.pair())
    })
    expect(found).toEqual(wanted)
  }, 240_000)

  test('when its image cannot be had', async () => {
    const registry = await startRegistry()
    onTestFinished(() => registry[Symbol.asyncDispose]())
    vi.stubEnv('DOCKER_HOST', commonEngine)
    const happens = async () => undefined
    const image = (name: string): string => `${registry.host}/${name}:1`
    const ends = 'image (nobody)'
    const rows: CrashRow[] = [
      { what: 'nobody has it (404)', image: image('nowhere'), happens, ends },
      { what: 'it is private (401)', image: image('private'), happens, ends },
      { what: 'it comes damaged', image: image('damaged'), happens, ends },
      {
        what: 'it stops coming, and its renter stops the lease',
        image: image('silent'),
        async happens({ renter, now }) {
          await until(() => registry.transfers() === 1, 'it comes')
          await stopLease(renter, now)
        },
        ends: 'renter-stopped (renter)',
      },
    ]
    const pairs = await Promise.all(rows.map(() => scenes.pair()))
    vi.stubEnv('DOCKER_HOST', scenes.dockerd.host)
    const { found, wanted } = await playAll(rows, (i) => scenes.play(rows[i]!, pairs[i]!))
    expect(found).toEqual(wanted)
  }, 240_000)

  test('when it starts', async () => {
    const { docker, host, socketPath } = scenes.dockerd
    let isRemoved = false
    const holderGone = await scenes.pair((engine) => ({
      ...engine,
      async create(spec) {
        const container = await engine.create(spec)
        const { HostConfig } = await docker.getContainer(container.id).inspect()
        const [kind, holder] = HostConfig.NetworkMode!.split(':')
        if (kind === 'container' && !isRemoved) {
          await docker.getContainer(holder!).remove({ force: true })
          isRemoved = true
        }
        return container
      },
    }))
    const proxy = await startEngineProxy(socketPath)
    onTestFinished(() => proxy[Symbol.asyncDispose]())
    vi.stubEnv('DOCKER_HOST', proxy.host)
    let isLost = false
    const answerLost = await scenes.pair((engine) => ({
      ...engine,
      create(spec) {
        if (!isLost) proxy.loseAnswer(/^POST \/containers\/create\S*name=cn-[0-9a-f]{64}/)
        isLost = true
        return engine.create(spec)
      },
    }))
    vi.stubEnv('DOCKER_HOST', host)
    const common = {
      isHeld: true,
      ends: 'start-failed (miner)',
      happens: async () => undefined,
    } as const
    const rows: CrashRow[] = [
      { ...common, what: 'what holds its network is gone' },
      { ...common, what: 'the engine makes it, and its answer is lost' },
    ]
    const pairs = [holderGone, answerLost]
    const { found, wanted } = await playAll(rows, (i) => scenes.play(rows[i]!, pairs[i]!))
    expect(found).toEqual(wanted)
  }, 240_000)

  test('when what leases share is removed under them', async () => {
    const { docker } = scenes.dockerd
    const at = await scenes.pair()
    const hasRoute = async (scene: Scene): Promise<void> => {
      await scenes.served(scene)
      // A line per route, after the heading.
      const { stdout } = await scene.run(['cat', '/proc/net/route'])
      expect(stdout.trim().split('\n').length).toBeGreaterThan(1)
    }
    const rows: CrashRow[] = [
      {
        what: 'the network of all leases',
        ends: 'goes on',
        async happens(scene) {
          await hasRoute(scene)
          const network = docker.getNetwork('cn-leases')
          const { Containers = {} } = await network.inspect()
          for (const id of Object.keys(Containers)) {
            await network.disconnect({ Container: id, Force: true })
          }
          await network.remove()
        },
      },
      { what: '(the lease after it)', ends: 'goes on', happens: hasRoute },
    ]
    const first = await playAll(rows.slice(0, 1), () => scenes.play(rows[0]!, at))
    expect(first.found).toEqual(first.wanted)
    // As an owner who clears up the engine while no lease runs: `docker system prune --all --volumes`.
    for (const { Id } of await docker.listContainers({ all: true })) {
      await docker.getContainer(Id).remove({ force: true })
    }
    const { Volumes } = await docker.listVolumes()
    for (const { Name } of Volumes) await docker.getVolume(Name).remove()
    await docker.getNetwork('cn-leases').remove()
    await docker.getImage('cn-holder:1').remove({ force: true })
    const second = await playAll(rows.slice(1), () => scenes.play(rows[1]!, at))
    expect(second.found).toEqual(second.wanted)
  }, 240_000)
})
