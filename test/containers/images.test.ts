import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ImageProgress } from '../../src/containers/engine.ts'
import { findHostBusybox } from '../../src/containers/host-busybox.ts'
import { createImages, DEVNET_IMAGE, importBusybox } from '../../src/containers/images.ts'
import { explainPull, pullImage } from '../../src/containers/pull-image.ts'
import { docker, noDocker, smallSpec, testEngine } from '../support/docker.ts'
import { startRegistry, type TestRegistry } from '../support/registry.ts'
import { requireOrSkip } from '../support/skips.ts'

test.each([
  ['manifest for x:1 not found: manifest unknown: manifest unknown', 'not-found'],
  ['pull access denied for x, repository does not exist or may require docker login', 'denied'],
  ['Head "http://127.0.0.1:1/v2/": unauthorized: no', 'denied'],
  ['Get "https://registry-1.docker.io/v2/": dial tcp: lookup x: no such host', 'unreachable'],
  ['net/http: TLS handshake timeout', 'unreachable'],
  ['filesystem layer verification failed for digest sha256:12', 'corrupt'],
  ['no space left on device', 'no-space'],
  ['something new', 'other'],
])('%s: %s', (words, reason) => {
  const explained = explainPull(words)
  expect(explained.reason).toBe(reason)
  expect(explained.next).not.toBe('')
})

describe.skipIf(noDocker)('pulling', () => {
  let registry: TestRegistry
  const pulled: string[] = []
  const name = (image: string): string => `${registry.host}/${image}:1`
  beforeAll(async () => {
    registry = await startRegistry()
  })
  afterAll(async () => {
    for (const image of pulled) await docker.getImage(image).remove({ force: true })
    await registry[Symbol.asyncDispose]()
  })

  test('an image comes, with progress, once for all who ask', async () => {
    const images = createImages(docker, new AbortController().signal)
    const steps: ImageProgress[] = []
    const image = name('ok')
    pulled.push(image)
    await Promise.all([
      images.ensure(image, { onProgress: (step) => steps.push(step) }),
      images.ensure(image),
    ])
    expect(steps.some(({ step }) => step.includes('pull complete'))).toBe(true)
    expect((await docker.getImage(image).inspect()).RepoTags).toContain(image)
    await images.ensure(image, { onProgress: () => expect.unreachable('it is there') })
  })

  test.each([
    ['nothing', 'not-found'],
    ['private', 'denied'],
    ['damaged', 'corrupt'],
  ])('%s: %s', async (image, reason) => {
    await expect(pullImage(docker, name(image))).rejects.toMatchObject({
      code: 'ENGINE_IMAGE',
      details: { reason },
      next: expect.any(String),
    })
  })

  test('a transfer that stops is given up', async () => {
    await expect(pullImage(docker, name('silent'), { stallMs: 1500 })).rejects.toMatchObject({
      code: 'ENGINE_IMAGE',
      details: { reason: 'stalled' },
    })
  })

  test('a caller that leaves does not end the pull of the others', async () => {
    const images = createImages(docker, AbortSignal.timeout(1500))
    const leaving = new AbortController()
    const first = images.ensure(name('silent'), { signal: leaving.signal })
    const second = images.ensure(name('silent'))
    leaving.abort(new Error('gone home'))
    await expect(first).rejects.toThrow('gone home')
    await expect(second).rejects.toThrow(/timeout|aborted/)
  })
})

const busybox = await findHostBusybox()
const noBusybox = !requireOrSkip(
  busybox !== undefined,
  'a static busybox (apt-get install busybox-static)',
)

describe.skipIf(noDocker || noBusybox)("an image of the host's busybox", () => {
  const image = 'cn-test-busybox:1'
  afterAll(() => docker.getImage(image).remove({ force: true }))

  test('runs, with its applets', async () => {
    await importBusybox(docker, image, busybox!)
    await using engine = await testEngine()
    const container = await engine.create({
      ...smallSpec(['sh', '-c', 'ls -l /bin/ls; id -un; uname']),
      image,
    })
    const main = await container.attach()
    await container.start()
    main.stderr.resume()
    const out = await text(main.stdout)
    expect(out).toContain('/bin/ls -> busybox')
    expect(out).toContain('root\nLinux\n')
    expect(await main.exitCode).toBe(0)
  })

  test('without one, the error names the package', async () => {
    // Neither the registry nor the host has it: a name that only this test asks for.
    const images = createImages(unreachable(), new AbortController().signal, async () => undefined)
    await expect(images.ensure(DEVNET_IMAGE)).rejects.toMatchObject({
      code: 'ENGINE_IMAGE',
      next: 'apt-get install busybox-static',
    })
  })
})

/** The engine, but for an image store that is empty and a registry that cannot be reached. */
function unreachable(): typeof docker {
  const fail = (statusCode: number, message: string) => async () => {
    throw Object.assign(new Error(message), { statusCode })
  }
  return Object.assign(Object.create(docker), {
    getImage: () => ({ inspect: fail(404, 'No such image: busybox:1.37') }),
    pull: fail(500, 'dial tcp: lookup registry-1.docker.io: no such host'),
  })
}
