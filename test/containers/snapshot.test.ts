import { createWriteStream } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Container } from '../../src/containers/engine.ts'
import { codeOf } from '../../src/errors.ts'
import { GiB } from '../../src/units.ts'
import { docker, noDocker, smallSpec, testEngine } from '../support/docker.ts'

const signal = new AbortController().signal
const whole = { pause: true, maxBytes: GiB, signal }

const imagesOf = async (nodeId: string): Promise<number> =>
  (await docker.listImages({ filters: { label: [`cn.snapshot=${nodeId}`] } })).length

describe.skipIf(noDocker)('a snapshot', () => {
  let engine: Awaited<ReturnType<typeof testEngine>>
  let container: Container
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cn-snapshot-'))
    engine = await testEngine()
    await engine.ensureImage('busybox:1.37')
    container = await engine.create({ ...smallSpec(), env: { TOKEN: 'secret' } })
    await container.start()
    const exec = await container.exec(['sh', '-c', 'echo mine >/work'])
    exec.stdin.end()
    exec.stdout.resume()
    exec.stderr.resume()
    await exec.exitCode
  }, 60_000)
  afterAll(async () => {
    await engine[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  test('is what docker load takes, under the name that was asked for, without what is the node’s', async () => {
    const tag = `cn-test/${crypto.randomUUID().slice(0, 8)}:v1`
    const file = join(folder, 'image.tar')
    {
      await using snapshot = await container.snapshot({ ...whole, tag })
      expect(snapshot.aboutBytes).toBeGreaterThan(100_000)
      await pipeline(await snapshot.open(), createWriteStream(file))
      // Whoever goes on in the middle finds the same bytes.
      expect(Buffer.compare(await buffer(await snapshot.open()), await readFile(file))).toBe(0)
    }
    expect(await imagesOf(engine.nodeId)).toBe(0)
    const answer = await docker.loadImage(file)
    expect(await text(answer as Readable)).toContain(tag)
    const loaded = docker.getImage(tag)
    const { Config } = await loaded.inspect()
    expect(Config.Cmd).toEqual(['sh'])
    expect(Config.Env).toContain('TOKEN=')
    expect(Config.Env?.join()).not.toMatch(/GPU|secret/)
    const values = Object.entries(Config.Labels ?? {}).filter(([name]) => name !== 'cn.snapshot')
    expect(values.every(([name, value]) => !name.startsWith('cn.') || value === '')).toBe(true)
    const copy = await docker.createContainer({
      Image: tag,
      Cmd: ['sh', '-c', 'cat /work; ls -A /.cn'],
      HostConfig: { NetworkMode: 'none' },
    })
    try {
      await copy.start()
      await copy.wait()
      const printed = await copy.logs({ stdout: true })
      expect(printed.toString()).toContain('mine\n')
      expect(printed.toString()).not.toContain('busybox')
    } finally {
      await copy.remove({ force: true })
      await loaded.remove({ force: true })
    }
  }, 120_000)

  test('that is too large is refused before anything is written', async () => {
    const wanted = { ...whole, tag: 'a:1', maxBytes: 1000 }
    expect(await container.snapshot(wanted).catch(codeOf)).toBe('REFUSED_SNAPSHOT_SIZE')
    expect(await imagesOf(engine.nodeId)).toBe(0)
  }, 60_000)

  test('that is left in the middle leaves no image', async () => {
    {
      await using snapshot = await container.snapshot({ ...whole, pause: false, tag: 'a:1' })
      for await (const chunk of await snapshot.open()) {
        expect(chunk.length).toBeGreaterThan(0)
        break
      }
      expect(await imagesOf(engine.nodeId)).toBe(1)
    }
    expect(await imagesOf(engine.nodeId)).toBe(0)
  }, 60_000)

  test('that a crash left goes when the node starts again; one that somebody named stays', async () => {
    const nodeId = `test-${crypto.randomUUID()}`
    const changes = [`LABEL cn.snapshot="${nodeId}"`]
    const lost = docker.getContainer(container.id)
    const kept = `cn-kept-${crypto.randomUUID().slice(0, 8)}`
    await lost.commit({ repo: 'cn-snapshot', tag: nodeId, changes } as object)
    await lost.commit({ repo: kept, tag: 'v1', changes } as object)
    await using _again = await testEngine(nodeId)
    const left = await docker.listImages({ filters: { label: [`cn.snapshot=${nodeId}`] } })
    await docker.getImage(`${kept}:v1`).remove({ force: true })
    expect(left.flatMap(({ RepoTags }) => RepoTags)).toEqual([`${kept}:v1`])
  }, 60_000)
})
