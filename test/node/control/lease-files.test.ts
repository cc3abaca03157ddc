import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { sleep } from '../../../src/clock.ts'
import { createProcessEngine } from '../../../src/containers/process-engine.ts'
import { docker, noDocker, testEngine } from '../../support/docker.ts'
import { tempFolder } from '../../support/lease-market.ts'
import { type ServedLease, serveLease } from '../../support/served-lease.ts'

const MiB = 1024 * 1024
const WAIT = { timeout: 30_000, interval: 200 }
const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

/** What a program of plain HTTP asks of a lease. */
function asking(lease: ServedLease) {
  const urlOf = (what: string, query: Record<string, string>) =>
    new URL(`/v1/leases/${lease.id}/${what}?${new URLSearchParams(query)}`, lease.api.url)
  const authorization = `Bearer ${lease.api.token}`
  const octets = { authorization, 'content-type': 'application/octet-stream' }
  return {
    get: (what: string, query: Record<string, string> = {}) =>
      fetch(urlOf(what, query), { headers: { authorization } }),
    put: (query: Record<string, string>, body: Uint8Array) =>
      fetch(urlOf('content', query), {
        method: 'PUT',
        headers: octets,
        body: Uint8Array.from(body),
      }),
    /** For who reads or writes at its own pace. */
    raw: (method: string, query: Record<string, string>): ClientRequest =>
      request(urlOf('content', query), { method, headers: octets, agent: false }),
    async inside(script: string): Promise<string> {
      const { out, err, code } = await lease.cli('exec', lease.id, '--', 'sh', '-c', script).ended
      expect({ err, code }).toEqual({ err: '', code: 0 })
      return out
    },
  }
}

const heldMiB = (): number => {
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return (arrayBuffers + heapUsed) / MiB
}

/** Steps that share a lease. */
const steps: Readonly<Record<string, (lease: ServedLease) => Promise<void>>> = {
  'a folder is listed with every kind of name, link and file, half copied ones left out': async (
    lease,
  ) => {
    const { get, inside } = asking(lease)
    await inside(
      'mkdir -p "/d/sub dir" && cd /d && echo hi >-dash && printf x >"new\nline" && mkfifo pipe && ' +
        'ln -s ../etc/passwd out && ln -s gone dangling && : >.cn-part-1 && chmod 4751 ./-dash && ' +
        'touch -d @1000000000 ./-dash && ln -s /d /way',
    )
    const answer = await get('directory', { path: '/way' })
    expect(answer.status).toBe(200)
    const { path, items, hidden } = (await answer.json()) as {
      path: string
      items: Record<string, unknown>[]
      hidden: number
    }
    expect({ path, hidden }).toEqual({ path: '/d', hidden: 0 })
    expect(items.map(({ name }) => name)).toEqual([
      '-dash',
      'dangling',
      'new\nline',
      'out',
      'pipe',
      'sub dir',
    ])
    const named = (name: string) => items.find((item) => item['name'] === name)
    expect(named('-dash')).toEqual({
      ...{ name: '-dash', kind: 'file', bytes: 3, mode: 0o4751, changedAtMs: 1_000_000_000_000 },
    })
    expect(named('out')).toMatchObject({ kind: 'link', target: '../etc/passwd' })
    expect(named('dangling')).toMatchObject({ kind: 'link', target: 'gone' })
    expect(named('pipe')).toMatchObject({ kind: 'other' })
    expect(named('sub dir')).toMatchObject({ kind: 'folder' })

    expect(await (await get('directory')).json()).toMatchObject({ path: '/' })
    const codeOf = async (query: Record<string, string>) => {
      const refused = await get('directory', query)
      return [refused.status, ((await refused.json()) as { code: string }).code]
    }
    expect(await codeOf({ path: '/nowhere' })).toEqual([404, 'NOTHING_MATCHED'])
    expect(await codeOf({ path: '/d/-dash' })).toEqual([403, 'REFUSED_NO_FOLDER'])
    expect(await codeOf({ path: '/d\0' })).toEqual([400, 'BAD_CONFIG_VALUE'])
  },

  'a file comes as it is and never as a page, and its digest is told': async (lease) => {
    const { get, put, inside } = asking(lease)
    const data = randomBytes(700_001)
    const name = 'a "page"; grüße.html'
    const path = `/made/for/it/${name}`
    const sent = await put({ path, sha256: sha256(data) }, data)
    expect(await sent.json()).toEqual({ path, bytes: data.length, sha256: sha256(data) })
    expect(await inside('cd /made/for/it; echo * .c*')).toBe(`${name} .c*\n`)

    const got = await get('content', { path })
    expect(Buffer.from(await got.arrayBuffer()).equals(data)).toBe(true)
    expect(Object.fromEntries(got.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': `${data.length}`,
      'content-disposition': `attachment; filename="a _page_; gr__e.html"; filename*=UTF-8''a%20%22page%22%3B%20gr%C3%BC%C3%9Fe.html`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': 'sandbox',
    })
    const digest = await get('digest', { path })
    expect(await digest.json()).toEqual({ path, bytes: data.length, sha256: sha256(data) })
    expect((await get('digest', { path: '/etc/passwd' })).status).toBe(404)

    expect((await put({ path: '/made/empty' }, new Uint8Array())).status).toBe(200)
    const empty = await get('content', { path: '/made/empty' })
    expect([empty.status, await empty.text()]).toEqual([200, ''])
    for (const [gone, status] of [
      ['/nowhere', 404],
      ['/dev/null', 403],
    ] as const) {
      expect((await get('content', { path: gone })).status).toBe(status)
    }
  },

  'a folder comes as an archive that tar unpacks, without links that lead out': async (lease) => {
    const { get, inside } = asking(lease)
    const long = 'n'.repeat(200)
    await inside(
      `mkdir -p /t/sub/empty && cd /t && echo one >a && head -c 6000000 /dev/urandom >big && ` +
        `echo two >sub/${long} && ln -s ../a sub/link && ln -s /etc/passwd out && ln a twin && ` +
        'chmod 750 sub && mkfifo pipe',
    )
    const got = await get('content', { path: '/t' })
    expect(got.headers.get('content-disposition')).toContain('filename="t.tar"')
    const folder = await tempFolder()
    await writeFile(join(folder, 't.tar'), Buffer.from(await got.arrayBuffer()))
    const unpacked = spawnSync('tar', ['xf', 't.tar'], { cwd: folder, encoding: 'utf8' })
    expect([unpacked.status, unpacked.stderr]).toEqual([0, ''])
    const listed = spawnSync('sh', ['-c', 'find t | sort; stat -c %a t/sub'], {
      ...{ cwd: folder, encoding: 'utf8' },
    })
    const wanted = ['', '/a', '/big', '/sub', '/sub/empty', '/sub/link', `/sub/${long}`, '/twin']
    expect(listed.stdout).toBe(`${wanted.map((path) => `t${path}\n`).join('')}750\n`)
    expect(await readlink(join(folder, 't/sub/link'))).toBe('../a')
    expect(await readFile(join(folder, 't/twin'), 'utf8')).toBe('one\n')
    const [sum] = (await inside('sha256sum /t/big')).split(' ')
    expect(sha256(await readFile(join(folder, 't/big')))).toBe(sum)
  },

  'what breaks off, or is not what it should be, leaves what was there and nothing else': async (
    lease,
  ) => {
    const { raw, put, inside } = asking(lease)
    await inside('mkdir -p /keep && echo old >/keep/file')
    const wrong = await put(
      { path: '/keep/file', sha256: sha256(Buffer.from('other')) },
      randomBytes(9),
    )
    expect([wrong.status, ((await wrong.json()) as { code: string }).code]).toEqual([
      ...[400, 'BAD_MESSAGE_CHECKSUM'],
    ])
    const folder = await put({ path: '/keep' }, randomBytes(9))
    expect(folder.status).toBe(403)

    const cut = raw('PUT', { path: '/keep/file' })
    cut.on('error', () => undefined) // it is torn by us
    cut.setHeader('content-length', 8 * MiB)
    cut.write(randomBytes(3 * MiB))
    const listed = () => inside('ls -A /keep')
    const parts = async () => (await listed()).split('\n').filter((name) => name.startsWith('.cn-'))
    await vi.waitFor(async () => expect(await parts()).toHaveLength(1), WAIT)
    cut.destroy()
    await vi.waitFor(async () => expect(await listed()).toBe('file\n'), WAIT)
    expect(await inside('cat /keep/file')).toBe('old\n')
  },

  'more than the disk share has room for is refused before it comes': async (lease) => {
    const { raw } = asking(lease)
    const large = raw('PUT', { path: '/large' })
    large.on('error', () => undefined) // the answer comes before the body
    large.setHeader('content-length', 10 ** 12)
    large.flushHeaders()
    const [response] = (await once(large, 'response')) as [IncomingMessage]
    expect(response.statusCode).toBe(500)
    large.destroy()
  },

  'a container that takes no more holds the sender back, and nothing is lost': async (lease) => {
    const { raw, inside } = asking(lease)
    const [found] = await docker.listContainers({ filters: { name: [lease.id] } })
    const container = docker.getContainer(found!.Id)
    const data = randomBytes(24 * MiB)
    const sending = raw('PUT', { path: '/up', sha256: sha256(data) })
    sending.setHeader('content-length', data.length)
    sending.write(data.subarray(0, MiB))
    const answered = once(sending, 'response') as Promise<[IncomingMessage]>
    await vi.waitFor(async () => expect(await inside('ls -A /')).toContain('.cn-part-'), WAIT)
    await sleep(1000) // runc hangs for good where a container is paused while a command starts in it (cgroup v1)
    await container.pause()
    try {
      sending.end(data.subarray(MiB))
      await sleep(1500)
      expect(sending.writableFinished).toBe(false)
    } finally {
      await container.unpause()
    }
    const [response] = await answered
    response.resume()
    expect(response.statusCode).toBe(200)
    expect(await inside('sha256sum /up')).toBe(`${sha256(data)}  /up\n`)
    await inside('rm /up')
  },

  'a reader that stops is waited for, not stored': async (lease) => {
    const { raw, inside } = asking(lease)
    const [sum] = (await inside('head -c 40000000 /dev/urandom >/big; sha256sum /big')).split(' ')
    const asked = raw('GET', { path: '/big' }).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    await sleep(300)
    const before = heldMiB()
    await sleep(1500) // all of it would have come in this time
    expect(heldMiB() - before).toBeLessThan(30)
    const hash = createHash('sha256')
    let bytes = 0
    for await (const chunk of response) {
      hash.update(chunk)
      bytes += chunk.length
    }
    expect([bytes, hash.digest('hex')]).toEqual([40_000_000, sum])
  },
}

describe.skipIf(noDocker)('files of a real container over plain HTTP', () => {
  test(Object.keys(steps).join('; '), { timeout: 180_000 }, async () => {
    await using lease = await serveLease(await testEngine(), 'busybox:1.37')
    for (const step of Object.values(steps)) await step(lease)
  })
})

test('where nothing isolates the lease, its own folder alone is reached', async () => {
  const folder = await tempFolder()
  await mkdir(join(folder, 'engine'))
  await writeFile(join(folder, 'secret'), 'mine')
  const genesis = randomBytes(32)
  const proof = {
    ...{ network: 'local' as const, genesis, embeddedGenesis: genesis },
    ...{ listen: ['/ip4/127.0.0.1/tcp/0'], admittedPeerIds: ['12D3a'] },
  }
  const engine = await createProcessEngine({ proof, stateDir: join(folder, 'engine') })
  const owned = Object.assign(engine, {
    async [Symbol.asyncDispose]() {
      for (const container of await engine.list()) await container.remove({ graceMs: 0 })
    },
  })
  await using lease = await serveLease(owned, 'busybox:1.37')
  const { get, put } = asking(lease)
  expect((await put({ path: 'here' }, Buffer.from('x'))).status).toBe(200)
  for (const path of [join(folder, 'secret'), '../../../secret', '..']) {
    expect(((await (await get('content', { path })).json()) as { code: string }).code).toBe(
      'FAILED_FILES',
    )
    expect((await get('directory', { path })).status).toBe(500)
    expect((await put({ path: `${path}/x` }, Buffer.from('x'))).status).toBe(500)
  }
}, 60_000)
