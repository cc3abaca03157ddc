import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Container, ContainerSpec, Engine } from '../../src/containers/engine.ts'
import { createProcessEngine } from '../../src/containers/process-engine.ts'
import { docker, noDocker, smallSpec, testEngine } from '../support/docker.ts'

const sh = (script: string): string[] => ['sh', '-c', script]

/** Counts aloud, ten times a second. */
const COUNT = 'i=0; while true; do i=$((i+1)); echo $i; sleep 0.1; done'

const started = async (engine: Engine, spec: ContainerSpec): Promise<Container> => {
  const container = await engine.create(spec)
  await container.start()
  return container
}
const lines = async (container: Container): Promise<number> =>
  Buffer.from((await container.logs()).stdout)
    .toString()
    .trim()
    .split('\n').length
const counts = async (container: Container, more: number): Promise<void> => {
  const before = await lines(container)
  await expect.poll(() => lines(container), { timeout: 20_000 }).toBeGreaterThan(before + more)
}

/** What both engines promise of a pause. */
async function pausesAndGoesOn(engine: Engine): Promise<void> {
  const container = await started(engine, smallSpec(sh(COUNT)))
  await counts(container, 1)
  await container.pause()
  await container.pause() // again: no change
  expect(await container.status()).toBe('paused')
  expect(await container.end()).toBeUndefined()
  await expect(container.exec(['true'])).rejects.toMatchObject({ code: 'ENGINE_CONFLICT' })
  const before = await lines(container)
  await new Promise((resolve) => setTimeout(resolve, 400))
  expect(await lines(container)).toBe(before)
  // A restarted node finds it as it is.
  const found = (await engine.list()).find(({ id }) => id === container.id)!
  expect(await found.status()).toBe('paused')
  await found.resume()
  await found.resume()
  expect(await found.status()).toBe('running')
  await counts(found, 1)
  const exec = await found.exec(['echo', 'hi'])
  exec.stderr.resume()
  expect(await text(exec.stdout)).toBe('hi\n')
  await found.pause()
  await found.remove({ graceMs: 1000 }) // paused: ended and removed all the same
  expect(await found.status()).toBe('gone')
  await found.resume()
  await expect(found.end()).rejects.toMatchObject({ code: 'ENGINE_GONE' })
}

const ended = async (container: Container) => {
  await container.wait()
  return container.end()
}

describe('process engine', () => {
  const genesis = new Uint8Array(32).fill(7)
  let root: string
  let engine: Engine
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'cn-pause-'))
    const listen = ['/ip4/127.0.0.1/tcp/0']
    const local = { network: 'local', genesis, embeddedGenesis: genesis }
    const proof = { ...local, listen, admittedPeerIds: ['12D3a'] }
    engine = await createProcessEngine({ proof, stateDir: root })
  })
  afterAll(async () => {
    for (const container of await engine.list()) await container.remove({ graceMs: 0 })
    await rm(root, { recursive: true, force: true })
  })

  test('a paused container stands still, and goes on', () => pausesAndGoesOn(engine))

  test('how a main process ended', async () => {
    const container = await started(engine, smallSpec(sh('exit 3')))
    expect(await ended(container)).toEqual({ exitCode: 3, cause: 'exited' })
  })
})

describe.skipIf(noDocker)('docker engine', () => {
  let engine: Engine & AsyncDisposable & { nodeId: string }
  beforeAll(async () => {
    engine = await testEngine()
    await engine.ensureImage('busybox:1.37')
  })
  afterAll(() => engine[Symbol.asyncDispose]())

  test('a paused container stands still, and goes on', () => pausesAndGoesOn(engine), 60_000)

  test('how a main process ended: by itself, by its own signal, by the host', async () => {
    const own = await started(engine, smallSpec(sh('exit 3')))
    expect(await ended(own)).toEqual({ exitCode: 3, cause: 'exited' })
    const inside = await started(engine, smallSpec(sh('kill -9 $$')))
    expect(await ended(inside)).toEqual({ exitCode: 137, cause: 'exited' })
    const killed = await started(engine, smallSpec(['sleep', '600']))
    await docker.getContainer(killed.id).kill({ signal: 'SIGKILL' })
    expect(await ended(killed)).toEqual({ exitCode: 137, cause: 'host' })
    const polite = ['sh', '-c', 'trap "exit 4" TERM; echo up; while true; do sleep 0.1; done']
    const yielding = await started(engine, smallSpec(polite))
    await vi.waitFor(async () => expect((await yielding.logs()).stdout.length).toBeGreaterThan(0))
    await docker.getContainer(yielding.id).stop({ t: 5 })
    expect(await ended(yielding)).toEqual({ exitCode: 4, cause: 'host' })
    const stopped = await started(engine, smallSpec(['sleep', '600']))
    await docker.getContainer(stopped.id).stop({ t: 5 })
    expect(await ended(stopped)).toEqual({ exitCode: 143, cause: 'host' })
  }, 60_000)

  test('a main process that needs more memory than it has ends for that', async () => {
    const eats = 'x=a; while true; do x=$x$x; done'
    const container = await started(engine, { ...smallSpec(sh(eats)), memoryMiB: 16 })
    expect(await ended(container)).toEqual({ exitCode: 137, cause: 'out-of-memory' })
  }, 60_000)
})
