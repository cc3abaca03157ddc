import { afterEach, describe, expect, test, vi } from 'vitest'
import { noDocker, smallSpec, testEngine } from '../support/docker.ts'
import { startEngineProxy } from '../support/engine-proxy.ts'

describe.skipIf(noDocker)('an engine that goes away says nothing of its containers', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  test('status is unknown, commands have no outcome, and both are well when it is back', async () => {
    await using proxy = await startEngineProxy()
    vi.stubEnv('DOCKER_HOST', proxy.host)
    await using engine = await testEngine()
    await engine.ensureImage('busybox:1.37')
    const container = await engine.create(smallSpec(['sh', '-c', 'sleep 4; exit 5']))
    await container.start()
    const exec = await container.exec(['sleep', '1000'])
    const output = new Promise((resolve) => exec.stdout.once('error', resolve).once('end', resolve))
    for (const stream of [exec.stdout, exec.stderr]) stream.resume()
    const waiting = container.wait()

    await proxy.down()
    await output
    expect(await container.status()).toBe('unknown')
    await expect(exec.exitCode).rejects.toMatchObject({ code: 'ENGINE_UNKNOWN' })
    await expect(container.exec(['true'])).rejects.toMatchObject({ code: 'ENGINE_UNKNOWN' })
    await expect(engine.list()).rejects.toMatchObject({
      code: 'ENGINE_UNKNOWN',
      next: expect.stringContaining(proxy.host),
    })

    await proxy.up()
    expect(await container.status()).toBe('running')
    expect(await waiting).toEqual({ exitCode: 5 })
  })

  test('a failed start whose removal fails too is told, not hidden', async () => {
    await using proxy = await startEngineProxy()
    vi.stubEnv('DOCKER_HOST', proxy.host)
    await using engine = await testEngine()
    const container = await engine.create(smallSpec(['true']))
    await proxy.down()
    await expect(container.start()).rejects.toMatchObject({ code: 'ENGINE_UNKNOWN' })
    await proxy.up()
    // Connections that were kept open from before may break first: unknown, and asked again.
    await expect.poll(() => container.status()).toBe('created')
    await container.remove()
    expect(await container.status()).toBe('gone')
  })
})
