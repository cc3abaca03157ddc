import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Container, Engine } from '../../src/containers/engine.ts'
import { findHostSftpServer, linkedFiles } from '../../src/containers/host-sftp-server.ts'
import { tar } from '../../src/containers/tar.ts'
import { makeToolbox } from '../../src/containers/toolbox.ts'
import { docker, noDocker, smallSpec, testEngine } from '../support/docker.ts'
import { requireOrSkip } from '../support/skips.ts'

const noSftp = !requireOrSkip(
  (await findHostSftpServer()) !== undefined,
  'an sftp-server (apt-get install openssh-sftp-server)',
)
const sh = (script: string): string[] => ['sh', '-c', script]
/** An image with nothing in it at all. */
const EMPTY = 'cn-test-empty:1'

describe.skipIf(noDocker)('ports and tools of a container', () => {
  let engine: Engine & AsyncDisposable
  let container: Container
  beforeAll(async () => {
    engine = await testEngine()
    await engine.ensureImage('busybox:1.37')
    container = await engine.create(smallSpec())
    await container.start()
  })
  afterAll(() => engine[Symbol.asyncDispose]())

  const said = async (command: readonly string[], input: Uint8Array = new Uint8Array()) => {
    const exec = await container.exec(command)
    exec.stdin.end(input)
    const [out, err, code] = await Promise.all([
      buffer(exec.stdout),
      text(exec.stderr),
      exec.exitCode,
    ])
    return { out, err, code }
  }
  /** Starts what serves until the container goes. */
  const serve = async (script: string): Promise<void> => {
    const exec = await container.exec(sh(script))
    exec.stdout.resume()
    exec.stderr.resume()
  }
  /** A connection, once something listens. */
  const dialled = (port: number): Promise<Duplex> =>
    vi.waitFor(() => container.dial(port), { timeout: 20_000, interval: 100 })

  test('a service is reached by its address, and answers after the end of its input', async () => {
    await serve('while true; do nc -l -p 7001 -e wc -c; done')
    const socket = await dialled(7001)
    Readable.from([new Uint8Array(1_000_000).fill(7)]).pipe(socket)
    expect((await text(socket)).trim()).toBe('1000000')
  })

  test('a service on loopback alone is reached from inside, its input ended before', async () => {
    await serve('head -c 1000000 /dev/zero >/tmp/zeros; httpd -f -p 127.0.0.1:7002 -h /tmp')
    const socket = await dialled(7002)
    socket.end('GET /zeros HTTP/1.0\r\n\r\n')
    const answer = await buffer(socket)
    expect(String(answer.subarray(9, 15))).toBe('200 OK')
    expect(answer.subarray(answer.indexOf('\r\n\r\n') + 4)).toEqual(Buffer.alloc(1_000_000))
  })

  test('where nothing listens, that is said', async () => {
    await expect(container.dial(7009)).rejects.toMatchObject({ code: 'NOTHING_MATCHED_PORT' })
    await expect(container.dial(7009, AbortSignal.abort(new Error('left')))).rejects.toThrow('left')
  })

  test('a connection given up ends what carried it', async () => {
    await serve('httpd -f -p 127.0.0.1:7003')
    const socket = await dialled(7003)
    socket.on('error', () => undefined).destroy()
    await vi.waitFor(
      async () => expect(String((await said(['ps'])).out)).not.toContain('nc 127.0.0.1 7003'),
      { timeout: 20_000, interval: 200 },
    )
  })

  test('no tenant can change the tools', async () => {
    const { err } = await said(sh('rm /.cn/busybox; echo x >/.cn/new; umount /.cn'))
    expect(err.match(/Read-only file system/g)).toHaveLength(2)
    expect(container.tools).toContain('busybox')
  })

  test.skipIf(noSftp)('the sftp-server runs in an image that has no library', async () => {
    const version3 = Buffer.from([0, 0, 0, 5, 1, 0, 0, 0, 3]) // SSH_FXP_INIT
    const exec = await container.exec(['/.cn/sftp-server'])
    exec.stderr.resume()
    exec.stdin.write(version3)
    const [out] = (await once(exec.stdout, 'data')) as [Buffer]
    exec.stdin.end()
    expect([...out.subarray(4, 9)]).toEqual([2, 0, 0, 0, 3]) // SSH_FXP_VERSION
    expect(await exec.exitCode).toBe(0)
  })

  test('an image without any program idles, and has the shell of the toolbox', async () => {
    const archive = tar([{ path: 'tmp/', mode: 0o1777, type: 'directory' }])
    const [repo, tag] = EMPTY.split(':')
    const made = await docker.importImage(Readable.from([archive]), { repo, tag })
    await text(made as unknown as Readable)
    try {
      const bare = await engine.create({ ...smallSpec(), image: EMPTY })
      await bare.start()
      const exec = await bare.exec(['/.cn/busybox', 'sh', '-c', 'ls -d /tmp; exit 4'])
      exec.stderr.resume()
      expect(await text(exec.stdout)).toBe('/tmp\n')
      expect(await exec.exitCode).toBe(4)
      await bare.remove()
    } finally {
      await docker.getImage(EMPTY).remove({ force: true })
    }
  })

  test('a restarted node knows what tools its containers have', async () => {
    const found = (await engine.list()).find(({ id }) => id === container.id)
    expect(found?.tools).toEqual(container.tools)
  })
})

test('the same host programs make the same toolbox; without busybox there is none', async () => {
  const busybox = { path: '/bin/busybox', binary: new Uint8Array([1]), applets: ['ls'] }
  const server = {
    path: '/usr/lib/sftp-server',
    binary: new Uint8Array([2]),
    loader: new Uint8Array([3]),
    libraries: new Map([['libc.so.6', new Uint8Array([4])]]),
  }
  const whole = () =>
    makeToolbox(
      async () => busybox,
      async () => server,
    )
  expect((await whole())?.id).toBe((await whole())?.id)
  expect((await whole())?.tools).toEqual(['busybox', 'sftp-server'])
  const less = await makeToolbox(
    async () => busybox,
    async () => undefined,
  )
  expect(less?.tools).toEqual(['busybox'])
  expect(less?.id).not.toBe((await whole())?.id)
  expect(
    await makeToolbox(
      async () => undefined,
      async () => server,
    ),
  ).toBeUndefined()
})

test('ldd names the loader and the libraries', () => {
  const stdout = [
    '\tlinux-vdso.so.1 (0x00007f58dd6d8000)',
    '\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f58dd4b2000)',
    '\t/lib64/ld-linux-x86-64.so.2 (0x00007f58dd6da000)',
  ].join('\n')
  expect(linkedFiles({ stdout })).toEqual({
    loader: '/lib64/ld-linux-x86-64.so.2',
    libraries: ['/lib/x86_64-linux-gnu/libc.so.6'],
  })
  expect(linkedFiles({ stdout: '\tnot a dynamic executable' }).loader).toBeUndefined()
})
