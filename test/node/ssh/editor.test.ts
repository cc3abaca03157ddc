import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import { docker, noDocker, testEngine } from '../../support/docker.ts'
import { outcomeOf, throughSocks } from '../../support/open-ssh.ts'
import { serveLease } from '../../support/served-lease.ts'
import { requireOrSkip } from '../../support/skips.ts'
import { makeSlimImage } from '../../support/slim-image.ts'

const programs = ['/usr/bin/ssh', '/usr/bin/scp', '/usr/bin/ssh-agent']
const noClient = !requireOrSkip(programs.every(existsSync), 'openssh-client (apt-get install)')
const image = noDocker ? undefined : await makeSlimImage(['/bin/bash'], 'cn-test-editor:1')
const noImage = !requireOrSkip(noDocker || image !== undefined, 'bash and a static busybox')

afterAll(async () => {
  if (image !== undefined) await docker.getImage(image).remove({ force: true })
})

const MB = 1_000_000
const PORT = 7101
const REQUEST = 'GET /page HTTP/1.0\r\n\r\n'

// The sequence of an editor that works over SSH (VS Code's Remote-SSH): one lease for all steps.
test.skipIf(noDocker || noClient || noImage)('an editor', { timeout: 240_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cn-editor-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const at = (name: string): string => join(folder, name)
  await using lease = await serveLease(await testEngine(), image!)
  expect(await lease.cli('ssh-config', '--write', '--yes').ended).toMatchObject({ code: 0 })
  const host = `cn-${lease.id.slice(0, 12)}`
  const client = (program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const all = ['-F', lease.sshConfig, '-o', 'BatchMode=yes', ...args]
    const child = spawn(program, all, { env: { ...process.env, ...env } })
    onTestFinished(() => void child.kill('SIGKILL'))
    return { child, ended: outcomeOf(child) }
  }
  const ssh = (...args: string[]) => client('ssh', args)
  const inside = async (script: string): Promise<string> => {
    const { code, out, err } = await ssh(host, script).ended
    expect({ code, err }).toEqual({ code: 0, err: '' })
    return out
  }
  const socks = 30_000 + (process.pid % 2000)

  /** A shell fed by stdin that stays, with SOCKS beside it; the server's files come by scp meanwhile. */
  const install = async (): Promise<ChildProcess> => {
    const { child } = ssh('-T', '-D', `127.0.0.1:${socks}`, host, 'bash')
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
    const says = async (script: string) => {
      child.stdin!.write(`${script}\n`)
      return (await lines.next()).value
    }
    expect(await says('mkdir -p ~/.server; echo "$HOME $(uname -m)"')).toMatch(/^\/root \w+$/)
    const server = randomBytes(60 * MB)
    await writeFile(at('server.tar'), server)
    const copied = client('scp', ['-q', at('server.tar'), `${host}:.server/server.tar`])
    expect(await copied.ended).toMatchObject({ code: 0, err: '' })
    const sum = createHash('sha256').update(server).digest('hex')
    expect(await says('sha256sum <~/.server/server.tar')).toBe(`${sum}  -`)
    const serve = `busybox httpd -f -p 127.0.0.1:${PORT} -h ~/.server >~/.server/log 2>&1 </dev/null &`
    expect(await says(`echo served >~/.server/page; ${serve} echo "listeningOn==${PORT}=="`)).toBe(
      `listeningOn==${PORT}==`,
    )
    const answers = async () =>
      expect(await throughSocks(socks, '127.0.0.1', PORT)).toContain('served')
    await vi.waitFor(answers, { timeout: 20_000, interval: 200 })
    const many = Array.from({ length: 8 }, () => throughSocks(socks, '127.0.0.1', PORT))
    for (const answer of await Promise.all(many)) expect(answer).toContain('served')
    return child
  }
  /** The client is lost; its shell goes, its server stays, and is found again by -W and -L. */
  const comeBack = async (lost: ChildProcess): Promise<void> => {
    lost.kill('SIGKILL')
    const shells = async () => expect(await inside('ps -o args')).not.toMatch(/^bash$/m)
    await vi.waitFor(shells, { timeout: 20_000, interval: 300 })
    const direct = ssh('-W', `localhost:${PORT}`, host)
    direct.child.stdin.write(REQUEST)
    expect((await direct.ended).out).toContain('served')
    const [local, path] = [socks + 2000, at('local.sock')]
    const to = `localhost:${PORT}`
    const { child } = ssh('-N', '-L', `${local}:${to}`, '-L', `${path}:${to}`, host)
    await vi.waitFor(() => expect(existsSync(path)).toBe(true), { timeout: 20_000 })
    for (const socket of [connect(local, '127.0.0.1'), connect(path)]) {
      socket.write(REQUEST)
      expect(await text(socket)).toContain('served')
    }
    child.kill()
  }
  /** Many sessions over one connection, and what is refused there: the client says so, the rest works. */
  const shared = async (): Promise<void> => {
    const path = at('control')
    const master = ssh('-MN', '-o', `ControlPath=${path}`, host)
    await vi.waitFor(() => expect(existsSync(path)).toBe(true), { timeout: 20_000 })
    const over = (...args: string[]) => ssh('-S', path, '-o', 'ProxyCommand=false', ...args, host)
    const runs = Array.from({ length: 6 }, async (_, i) => {
      const { child, ended } = client('ssh', ['-S', path, host, `cat; sleep 1; exit ${i}`])
      child.stdin.end(`input ${i}`)
      expect(await ended).toMatchObject({ code: i, out: `input ${i}` })
    })
    await Promise.all(runs)
    const reverse = await over('-O', 'forward', '-R', `7102:localhost:${PORT}`).ended
    expect(reverse).toMatchObject({ code: 255, err: expect.stringMatching(/forwarding.*failed/i) })
    for (const to of ['example.org:80', `cn-${'0'.repeat(12)}:${PORT}`]) {
      expect((await over('-W', to).ended).out).toBe('')
    }
    const socket = at('to.sock')
    expect((await over('-O', 'forward', '-L', `${socket}:/root/sock`).ended).code).toBe(0)
    expect(await text(connect(socket))).toBe('')
    const served = over('-W', `localhost:${PORT}`)
    served.child.stdin.write(REQUEST)
    expect((await served.ended).out).toContain('served')
    expect((await over('-O', 'exit').ended).code).toBe(0)
    expect((await master.ended).err.match(/open failed/g)).toHaveLength(3)
  }
  /** Neither an agent nor a display is lent, and nobody is kept from working. */
  const lendsNothing = async (): Promise<void> => {
    const agent = spawn('ssh-agent', ['-D', '-a', at('agent')])
    onTestFinished(() => void agent.kill())
    await once(agent.stdout, 'data')
    const asked = client('ssh', ['-A', '-X', host, 'echo "agent[$SSH_AUTH_SOCK$DISPLAY]"'], {
      ...{ SSH_AUTH_SOCK: at('agent'), DISPLAY: '127.0.0.1:99' },
    })
    expect(await asked.ended).toMatchObject({ code: 0, out: 'agent[]\n' })
  }
  await comeBack(await install())
  await Promise.all([shared(), lendsNothing()])
})
