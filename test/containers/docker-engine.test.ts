import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Container, Engine } from '../../src/containers/engine.ts'
import { noDocker, smallSpec, testEngine } from '../support/docker.ts'

const sh = (script: string): string[] => ['sh', '-c', script]

describe.skipIf(noDocker)('docker engine', () => {
  let engine: Engine & AsyncDisposable & { nodeId: string }
  beforeAll(async () => {
    engine = await testEngine()
    await engine.ensureImage('busybox:1.37')
  })
  afterAll(() => engine[Symbol.asyncDispose]())

  const idle = async (): Promise<Container> => {
    const container = await engine.create(smallSpec())
    await container.start()
    return container
  }

  test('a command as main process: streams attached before the start, exit code, logs, gone', async () => {
    const container = await engine.create(smallSpec(sh('cat; echo wrong >&2; exit 7')))
    expect(await container.status()).toBe('created')
    const main = await container.attach()
    await container.start()
    main.stdin.end('hello\n')
    const [out, err, code] = await Promise.all([
      text(main.stdout),
      text(main.stderr),
      main.exitCode,
    ])
    expect({ out, err, code }).toEqual({ out: 'hello\n', err: 'wrong\n', code: 7 })
    expect(await container.wait()).toEqual({ exitCode: 7 })
    expect(await container.status()).toBe('exited')
    expect(Buffer.from((await container.logs()).stdout).toString()).toBe('hello\n')
    await container.remove()
    await container.remove() // again: no error
    expect(await container.status()).toBe('gone')
    await expect(container.wait()).rejects.toMatchObject({ code: 'ENGINE_GONE' })
  })

  test('the first bytes written before the start are the first the command reads', async () => {
    const container = await engine.create(smallSpec(['cat']))
    const main = await container.attach()
    main.stderr.resume()
    main.stdin.end('early')
    await container.start()
    expect(await text(main.stdout)).toBe('early')
    await container.remove()
  })

  test('a command that the image lacks ends with 127', async () => {
    const container = await engine.create(smallSpec(['no-such-program']))
    const main = await container.attach()
    await container.start()
    const [, err, code] = await Promise.all([text(main.stdout), text(main.stderr), main.exitCode])
    expect(code).toBe(127)
    expect(err).toContain('no-such-program')
    await container.remove()
  })

  test.each<[what: string, command: string[], place: object, says: string, code: number]>([
    ['is missing', ['no-such-program'], {}, 'no-such-program: not found\n', 127],
    ['is missing, by path', ['/opt/none'], {}, '/opt/none: not found\n', 127],
    ['is no program', ['/etc/passwd'], {}, '/etc/passwd: permission denied\n', 126],
    ['has no folder', ['ls'], { workingDir: '/none' }, '/none: there is no such folder\n', 126],
    ['has no user', ['ls'], { user: 'none' }, 'the image has no such user (--user)\n', 126],
  ])(
    'a command that %s is told as a shell would, attached or not',
    async (_, command, place, says, code) => {
      const container = await idle()
      const exec = await container.exec(command, place)
      expect(await Promise.all([text(exec.stdout), text(exec.stderr), exec.exitCode])).toEqual([
        '',
        says,
        code,
      ])
      const terminal = await container.exec(command, { ...place, tty: true })
      terminal.stderr.resume()
      expect(await text(terminal.stdout)).toBe(says.replace('\n', '\r\n'))
      expect(await terminal.exitCode).toBe(code)
      await expect(container.spawn(command, place)).rejects.toMatchObject({
        code: 'FAILED_START',
        message: says.trimEnd(),
        details: { exitCode: code },
      })
      await container.remove()
    },
  )

  test('a command that only prints such words keeps them, and its code', async () => {
    const container = await idle()
    const words =
      'OCI runtime exec failed: exec failed: exec: "x": executable file not found: unknown'
    const exec = await container.exec(sh(`echo '${words}'; echo more; exit 126`))
    expect(await Promise.all([text(exec.stdout), text(exec.stderr), exec.exitCode])).toEqual([
      `${words}\nmore\n`,
      '',
      126,
    ])
    await container.remove()
  })

  test('exec: streams apart, half-closed stdin, environment, folder, exit code', async () => {
    const container = await idle()
    const exec = await container.exec(sh('cat; echo "$GREETING $PWD"; echo wrong >&2; exit 3'), {
      env: { GREETING: 'hi' },
      workingDir: '/tmp',
    })
    exec.stdin.end('input\n')
    const [out, err, code] = await Promise.all([
      text(exec.stdout),
      text(exec.stderr),
      exec.exitCode,
    ])
    expect({ out, err, code }).toEqual({ out: 'input\nhi /tmp\n', err: 'wrong\n', code: 3 })
    await container.remove()
  })

  test('a terminal has its size, and the end of input ends the shell', async () => {
    const container = await idle()
    const exec = await container.exec(['sh'], { tty: true, size: { columns: 111, rows: 33 } })
    exec.stdin.write('stty size\n')
    exec.stdin.end()
    exec.stderr.resume()
    expect(await text(exec.stdout)).toContain('33 111')
    expect(await exec.exitCode).toBe(0)
    await container.remove()
  })

  test('kill ends the command and all that it started, and nothing else', async () => {
    const container = await idle()
    const script = 'setsid sleep 2001 & sleep 2002 & echo up; wait'
    const cases = [
      ['0', script],
      ['7:8', script],
      ['0', `su -s /bin/sh nobody -c '${script}'`],
    ] as const
    for (const [user, line] of cases) {
      const other = await container.exec(['sleep', '1000'], { user })
      const exec = await container.exec(sh(line), { user })
      await new Promise((resolve) => exec.stdout.once('data', resolve))
      for (const stream of [exec.stdout, exec.stderr, other.stdout, other.stderr]) stream.resume()
      await exec.kill()
      expect(await exec.exitCode).toBe(137)
      const left = await container.exec(['ps'])
      left.stderr.resume()
      const processes = await text(left.stdout)
      expect(processes).not.toContain('sleep 200')
      expect(processes).toContain('sleep 1000')
      await exec.kill() // again: no error
      await other.kill()
    }
    await container.remove()
  })

  test('an aborted exec is killed', async () => {
    const container = await idle()
    const controller = new AbortController()
    const exec = await container.exec(sh('echo up; sleep 1000'), { signal: controller.signal })
    exec.stderr.resume()
    exec.stdout.once('data', () => controller.abort())
    expect(await exec.exitCode).toBe(137)
    await container.remove()
  })

  // The engine drops what it holds 2 s after the end: without the spool's care the third of these loses 110 KB here.
  test.each([12_000, 9_520, 9_592])(
    'a reader that stalls past the end of %i KiB loses nothing',
    async (kib) => {
      const container = await idle()
      const bytes = kib * 1024
      const exec = await container.exec(sh(`head -c ${bytes} /dev/zero; echo end`))
      exec.stderr.resume()
      await new Promise((resolve) => setTimeout(resolve, 4000))
      let got = 0
      for await (const chunk of exec.stdout) got += (chunk as Buffer).length
      expect(got).toBe(bytes + 4)
      expect(await exec.exitCode).toBe(0)
      await container.remove()
    },
  )

  test('wait obeys its signal and says nothing of the container', async () => {
    const container = await idle()
    const controller = new AbortController()
    const waiting = container.wait(controller.signal)
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    expect(await container.status()).toBe('running')
    await container.remove()
  })

  test('a restarted node finds its own containers, and only those, with the newest expiry', async () => {
    const spec = smallSpec()
    const container = await engine.create(spec)
    await container.start()
    await using stranger = await testEngine()
    const theirs = await stranger.create(smallSpec())
    await container.extend(spec.expiresAtMs + 5000)

    const again = await testEngine(engine.nodeId)
    const found = (await again.list()).filter(({ leaseId }) => leaseId === spec.leaseId)
    expect(found).toHaveLength(1)
    expect((await again.list()).some(({ id }) => id === theirs.id)).toBe(false)
    expect(found[0]!.expiresAtMs).toBe(spec.expiresAtMs + 5000)
    expect(await found[0]!.status()).toBe('running')
    const exec = await found[0]!.exec(['echo', 'adopted'])
    exec.stderr.resume()
    expect(await text(exec.stdout)).toBe('adopted\n')
    await found[0]!.remove()
    expect(await container.status()).toBe('gone')
    await again.close()
  })

  test('a second container for a lease is refused', async () => {
    const spec = smallSpec()
    const container = await engine.create(spec)
    await expect(engine.create(spec)).rejects.toMatchObject({ code: 'ENGINE_CONFLICT' })
    await container.remove()
  })

  test('a start that fails leaves no container', async () => {
    // No such GPU can be handed out, wherever the test runs.
    const spec = { ...smallSpec(), gpuUuids: ['GPU-00000000-0000-0000-0000-000000000000'] }
    const container = await engine.create(spec)
    await expect(container.start()).rejects.toMatchObject({ code: 'ENGINE_GPU' })
    expect(await container.status()).toBe('gone')
  })

  test('usage is measured', async () => {
    const container = await idle()
    // Counted a moment after the start: init has to fork its command first.
    await vi.waitFor(async () => {
      const usage = await container.usage()
      expect(usage.processes).toBeGreaterThanOrEqual(2) // init and sleep
      expect(usage.memoryBytes).toBeGreaterThan(0)
    }, 10_000)
    await container.remove()
  })
})
