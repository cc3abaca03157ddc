import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { ImageProgress } from '../../src/containers/engine.ts'
import { findHostBusybox } from '../../src/containers/host-busybox.ts'
import { ANY_IMAGE } from '../../src/containers/image-policy.ts'
import { createImages, DEVNET_IMAGE, hasImage, importBusybox } from '../../src/containers/images.ts'
import { explainPull, pullImage } from '../../src/containers/pull-image.ts'
import { NodeError } from '../../src/errors.ts'
import { docker, noDocker, smallSpec, testEngine } from '../support/docker.ts'
import { LOGIN, startRegistry, type TestRegistry } from '../support/registry.ts'
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
    const pull = pullImage(docker, name(image), { pausesMs: [1] })
    await expect(pull).rejects.toMatchObject({
      code: 'ENGINE_IMAGE',
      message: expect.stringMatching(/^cannot pull (?!.*Docker refused)/), // the engine's words, once
      details: { reason },
      next: expect.any(String),
    })
  })

  test('a transfer that stops is given up', async () => {
    await expect(
      pullImage(docker, name('silent'), { stallMs: 1500, pausesMs: [] }),
    ).rejects.toMatchObject({
      code: 'ENGINE_IMAGE',
      details: { reason: 'stalled' },
    })
  })

  test('what may pass is tried again', async () => {
    const steps: string[] = []
    const image = name('flaky')
    pulled.push(image)
    await pullImage(docker, image, { pausesMs: [1], onProgress: ({ step }) => steps.push(step) })
    expect(steps).toContain('trying again')
  })

  test('a nearly full disk ends a pull', async () => {
    const full = new NodeError('ENGINE_DISK', 'nearly full', { reason: 'no-space' })
    await expect(pullImage(docker, name('silent'), { check: async () => full })).rejects.toBe(full)
  })

  test.each([
    ['while it comes', 100_000],
    ['once it is unpacked', 1_049_600], // between what is sent and what that becomes
  ])('one that is too large is given up %s, and is not kept', async (_, maxBytes) => {
    const rules = { ...ANY_IMAGE, maxBytes }
    const images = createImages(docker, new AbortController().signal, { rules })
    const image = `${registry.host}/${maxBytes < 1_000_000 ? 'large' : 'padded'}:1`
    await expect(images.ensure(image)).rejects.toMatchObject({
      code: 'ENGINE_IMAGE',
      details: { reason: 'too-large' },
    })
    expect(await hasImage(docker, image)).toBe(false)
  })

  test('what its owner denies, and what is only here by chance, is not for rent', async () => {
    const rules = { allow: [], deny: ['**/ok'], trustLocal: false }
    const images = createImages(docker, new AbortController().signal, { rules })
    await expect(images.ensure(name('ok'))).rejects.toMatchObject({ code: 'REFUSED_IMAGE' })
    const local = 'cn-test-owners-own:1'
    await docker.getImage('busybox:1.37').tag({ repo: 'cn-test-owners-own', tag: '1' })
    pulled.push(local)
    const asked: string[] = []
    const noRegistry = Object.assign(Object.create(docker), {
      async pull(image: string) {
        asked.push(image)
        throw Object.assign(new Error('pull access denied'), { statusCode: 404 })
      },
    })
    const strict = createImages(noRegistry, new AbortController().signal, {
      rules: { ...rules, deny: [] },
    })
    await expect(strict.ensure(local)).rejects.toMatchObject({ details: { reason: 'denied' } })
    expect(asked).toEqual([`docker.io/library/${local}`])
    const named = createImages(noRegistry, new AbortController().signal, {
      rules: { ...rules, deny: [], allow: ['cn-test-owners-own'] },
    })
    await named.ensure(local)
  })

  test.each(['basic', 'bearer'] as const)(
    'a login (%s) fetches an image for its renter alone, and it goes with the lease',
    async (auth) => {
      await using closed = await startRegistry(auth)
      const image = `${closed.host}/ok:1`
      const rules = { allow: [`${closed.host}/*`], deny: [], trustLocal: false }
      await using engine = await testEngine(undefined, { images: rules })
      const credentials = Buffer.from(JSON.stringify(LOGIN))
      const denied = { code: 'ENGINE_IMAGE', details: { reason: 'denied' } }
      await expect(engine.ensureImage(image)).rejects.toMatchObject(denied)
      const wrong = Buffer.from(JSON.stringify({ ...LOGIN, password: 'guess' }))
      await expect(engine.ensureImage(image, { credentials: wrong })).rejects.toMatchObject(denied)
      await engine.ensureImage(image, { credentials })
      const lease = await engine.create({ ...smallSpec(['/none']), image, privateImage: true })
      const { Image: id } = await docker.getContainer(lease.id).inspect()
      expect(await hasImage(docker, image)).toBe(false) // nobody else finds it
      await expect(engine.ensureImage(image)).rejects.toMatchObject(denied)
      await using restarted = await testEngine(engine.nodeId, { images: rules })
      const [again] = await restarted.list()
      await again!.remove()
      await expect(docker.getImage(id).inspect()).rejects.toMatchObject({ statusCode: 404 })
    },
  )

  test('credentials that are none are refused without a word of them', async () => {
    const images = createImages(docker, new AbortController().signal)
    const credentials = Buffer.from('{"username":"a","password":')
    const error = await images.ensure(name('ok-2'), { credentials }).catch((cause) => cause)
    expect(error).toMatchObject({ code: 'BAD_MESSAGE' })
    expect(String(error.stack)).not.toContain('username')
  })

  test('a pull that nobody waits for any more ends, and the next caller begins another', async () => {
    const images = createImages(docker, new AbortController().signal)
    const leaving = new AbortController()
    let began = 0
    const image = name('silent')
    const ask = (signal: AbortSignal) =>
      images.ensure(image, { signal, onProgress: () => (began += 1) })
    const first = ask(leaving.signal)
    await vi.waitFor(() => expect(began).toBeGreaterThan(0), 20_000)
    leaving.abort(new Error('gone home'))
    await expect(first).rejects.toThrow('gone home')
    const before = began
    const second = new AbortController()
    const again = ask(second.signal)
    await vi.waitFor(() => expect(began).toBeGreaterThan(before), 20_000)
    second.abort(new Error('enough'))
    await expect(again).rejects.toThrow('enough')
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
    const images = createImages(unreachable(), new AbortController().signal, {
      hostBusybox: async () => undefined,
    })
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
