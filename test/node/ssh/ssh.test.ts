import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import ssh2 from 'ssh2'
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { docker, noDocker, testEngine } from '../../support/docker.ts'
import { outcomeOf, throughSocks } from '../../support/open-ssh.ts'
import { serveLease } from '../../support/served-lease.ts'
import { requireOrSkip } from '../../support/skips.ts'
import { makeSlimImage, SLIM_IMAGE } from '../../support/slim-image.ts'

const programs = ['/usr/bin/ssh', '/usr/bin/scp', '/usr/bin/sftp', '/usr/bin/rsync']
const lacking = programs.filter((path) => !existsSync(path))
const noClient = !requireOrSkip(lacking.length === 0, 'openssh-client or rsync (apt-get install)')
const slim = noDocker || noClient ? undefined : await makeSlimImage()
const noSlim = !requireOrSkip(noDocker || slim !== undefined, 'bash, rsync and openssh-sftp-server')

const images = [
  ['busybox:1.37', false],
  [SLIM_IMAGE, true],
] as const

describe.skipIf(noDocker || noClient || noSlim)('OpenSSH’s own programs', () => {
  afterAll(() => docker.getImage(SLIM_IMAGE).remove({ force: true }))

  // One lease for all steps: what it stands on ends with its test.
  test.each(images)('with %s', { timeout: 240_000 }, async (image, hasRsync) => {
    const folder = await mkdtemp(join(tmpdir(), 'cn-ssh-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    await using lease = await serveLease(await testEngine(), image)
    expect(await lease.cli('ssh-config', '--write', '--yes').ended).toMatchObject({ code: 0 })
    const host = `cn-${lease.id.slice(0, 12)}`
    const client = (program: string, ...args: string[]) => {
      const child = spawn(program, ['-F', lease.sshConfig, '-o', 'BatchMode=yes', ...args])
      onTestFinished(() => void child.kill('SIGKILL'))
      return { child, ended: outcomeOf(child) }
    }

    /** Ssh: output, error output, input and exit code, without a question. */
    const commands = async (): Promise<void> => {
      const { child, ended } = client('ssh', host, 'cat; echo "$0 $PWD" >&2; exit 7')
      child.stdin.end('input')
      const { code, out, err } = await ended
      expect({ code, out }).toEqual({ code: 7, out: 'input' })
      expect(err).toMatch(/sh \/root\n$/)
    }
    /** Ssh: a terminal of its type and size, and the language that is sent along. */
    const terminal = async (): Promise<void> => {
      const script = 'stty size; echo "$TERM $LC_TIME[$CN_SECRET]"'
      const args = ['-tt', '-o', 'SetEnv=LC_TIME=de_DE CN_SECRET=x', host, script]
      const { ended } = client('ssh', ...args)
      const { code, out, err } = await ended
      expect({ code, err: err.replace(/Connection to .*closed.\s*/, '') }).toEqual({
        code: 0,
        err: '',
      })
      expect(out.replaceAll('\r', '')).toContain('24 80\n')
      expect(out).toContain('de_DE[]')
    }
    /** Scp and sftp, there and back. */
    const copies = async (): Promise<void> => {
      const [file, back] = [join(folder, 'file'), join(folder, 'back')]
      const bytes = randomBytes(3_000_000)
      await writeFile(file, bytes)
      expect(await client('scp', '-q', file, `${host}:copy`).ended).toMatchObject({ code: 0 })
      const { child, ended } = client('sftp', '-q', host)
      child.stdin.end(`get copy ${back}\nrm copy\n`)
      expect((await ended).code).toBe(0)
      expect(Buffer.compare(await readFile(back), bytes)).toBe(0)
    }
    /** Rsync, there and back. */
    const synchronizes = async (): Promise<void> => {
      const from = join(folder, 'tree')
      await mkdir(join(from, 'deep'), { recursive: true })
      await writeFile(join(from, 'deep', 'file'), 'content')
      const ssh = `ssh -F ${lease.sshConfig}`
      const sync = (source: string, target: string) =>
        outcomeOf(spawn('rsync', ['-a', '-e', ssh, source, target]))
      expect(await sync(`${from}/`, `${host}:tree`)).toMatchObject({ code: 0 })
      expect(await sync(`${host}:tree/`, join(folder, 'again'))).toMatchObject({ code: 0 })
      expect(await readFile(join(folder, 'again', 'deep', 'file'), 'utf8')).toBe('content')
    }
    /** As editors do: a script on stdin, and SOCKS to a service on loopback. */
    const likeAnEditor = async (): Promise<void> => {
      const socks = 20_000 + (process.pid % 10_000)
      const { child, ended } = client('ssh', '-T', '-D', `127.0.0.1:${socks}`, host, 'sh')
      child.stdin.write(
        'echo served >/tmp/page; busybox httpd -p 127.0.0.1:7100 -h /tmp >/dev/null 2>&1; echo up\n',
      )
      const page = async (): Promise<void> =>
        expect(await throughSocks(socks, 'localhost', 7100)).toContain('served')
      await vi.waitFor(page, { timeout: 20_000, interval: 300 })
      // ssh(1) tells a SOCKS client nothing of a refusal: it closes.
      expect(await throughSocks(socks, 'example.org', 80)).toBe('')
      child.stdin.end('exit 5\n')
      expect(await ended).toMatchObject({ code: 5, out: 'up\n' })
    }
    /** A signal through ssh ends the command, and the client says by which. */
    const signals = async (): Promise<void> => {
      const { ended } = client('ssh', host, 'kill -TERM $$')
      expect((await ended).code).toBe(143)
      expect((await client('ssh', host, 'exit 143').ended).code).toBe(143)
    }
    /** The size of the person's own terminal is followed. */
    const resized = async (): Promise<void> => {
      const go = join(folder, 'go')
      // stty(1) sets one after the other, and so they may come.
      const seen =
        'stty size; until [ "$(stty size)" = "50 120" ]; do sleep 0.1; done; stty size; exit 4'
      const local = [
        'stty rows 30 cols 100',
        `{ until [ -e ${go} ]; do sleep 0.1; done; stty rows 50 cols 120; } <$(tty) &`,
        `ssh -F ${lease.sshConfig} -o BatchMode=yes -tt ${host} '${seen}'`,
      ]
      const child = spawn('script', ['-qfec', local.join('\n'), '/dev/null'])
      onTestFinished(() => void child.kill('SIGKILL'))
      const ended = outcomeOf(child)
      let shown = ''
      child.stdout.on('data', (chunk) => {
        shown += chunk
      })
      await vi.waitFor(() => expect(shown).toContain('30 100'), { timeout: 30_000 })
      await writeFile(go, '')
      const { code, out } = await ended
      expect(code).toBe(4)
      expect(out).toMatch(/30 100\r\n[\s\S]*50 120\r\n/)
    }
    /** A signal that a client sends reaches the command, and comes back as what ended it; ssh(1) sends none. */
    const clientSignals = async (): Promise<void> => {
      const { child } = lease.cli('proxy', lease.id, 'ssh')
      onTestFinished(() => void child.kill('SIGKILL'))
      const sock = Duplex.from({ readable: child.stdout!, writable: child.stdin! })
      const connection = new ssh2.Client().on('error', () => undefined)
      connection.connect({ sock, username: 'root' })
      await once(connection, 'ready')
      const ends = async (script: string, signal: string) => {
        const { promise, resolve, reject } = Promise.withResolvers<ssh2.ClientChannel>()
        connection.exec(script, (error, stream) => (error ? reject(error) : resolve(stream)))
        const stream = await promise
        const ended = once(stream, 'exit')
        await once(stream, 'data')
        stream.signal(signal)
        return (await ended).slice(0, 2)
      }
      expect(await ends('echo up; sleep 60', 'TERM')).toEqual([null, 'SIGTERM'])
      const handles = "trap 'exit 9' INT; echo up; while :; do sleep 0.1; done"
      expect(await ends(handles, 'INT')).toEqual([9])
      connection.end()
    }
    await commands()
    await Promise.all([terminal(), copies()])
    if (!hasRsync) await Promise.all([resized(), clientSignals()])
    if (hasRsync) await synchronizes()
    await Promise.all([likeAnEditor(), signals()])
  })
})

describe.skipIf(noDocker || noClient)('what ssh-config writes', () => {
  test('stands once in ssh’s own configuration, below nothing, and only after asking', async () => {
    await using lease = await serveLease(await testEngine(), 'busybox:1.37')
    const own = join(lease.home, '.ssh', 'config')
    await mkdir(join(lease.home, '.ssh'))
    await writeFile(own, 'Host other\n  User me\n', { mode: 0o640 })
    const unasked = await lease.cli('ssh-config', '--write').ended
    expect(unasked.code).toBe(2)
    expect(unasked.err).toContain('--yes')
    expect(await readFile(own, 'utf8')).toBe('Host other\n  User me\n')
    for (const _ of [1, 2]) {
      expect(await lease.cli('ssh-config', '--write', '--yes').ended).toMatchObject({ code: 0 })
    }
    const include = `Include "${lease.sshConfig}"`
    expect(await readFile(own, 'utf8')).toBe(`${include}\n\nHost other\n  User me\n`)
    expect((await stat(own)).mode & 0o777).toBe(0o640)
    const folder = join(lease.dataDir, 'ssh', `cn-${lease.id.slice(0, 12)}`)
    expect((await stat(join(folder, 'host_key'))).mode & 0o777).toBe(0o600)
    const ran = await lease.cli('ssh', lease.id.slice(0, 10), '--', 'echo', 'by command').ended
    expect(ran).toMatchObject({ code: 0, out: 'by command\n' })
    const port = lease.cli('proxy', lease.id, '9')
    port.child.stdin?.end()
    expect(await port.ended).toMatchObject({ code: 3, out: '' })
  })
})
