import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Docker from 'dockerode'
import { sleep } from '../../src/clock.ts'
import { requireOrSkip } from './skips.ts'

const run = promisify(execFile)

/** A Docker Engine of the test's own, to be stopped, killed and filled up: nobody else's containers are on it. */
export interface OwnDockerd extends AsyncDisposable {
  /** What DOCKER_HOST shall be. */
  readonly host: string
  readonly socketPath: string
  /** The client the tests look over the engine's shoulder with. */
  readonly docker: Docker
  /** Starts it again, after `stop`. */
  start(...args: readonly string[]): Promise<void>
  /** Ends the daemon alone, as `systemctl stop` or `kill -9` do. */
  stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** Leaves `bytes` of its disk free, until the answer is called. */
  fill(bytes: number): Promise<() => Promise<void>>
}

const isThere = (program: string): boolean => {
  try {
    execFileSync('which', [program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** For `describe.skipIf(noOwnDockerd)`. */
export const noOwnDockerd = !requireOrSkip(
  process.getuid?.() === 0 && ['dockerd', 'unshare', 'nsenter', 'ip'].every(isThere),
  'root with dockerd, unshare, nsenter and ip (.ci/ensure-docker.sh brings them)',
)

/** Its disk lies in memory, which it takes as far as it is used: quick, and as large as the engine wants it. */
const DISK = '8g'

/** How it differs from one that only this machine reaches. */
export interface OwnDockerdOptions {
  /** What it is started with each time. */
  readonly args?: readonly string[]
  /** Joins its network to this machine's: the addresses of both ends, of one /24. */
  readonly link?: { readonly here: string; readonly there: string }
}

/** Starts it in a network of its own, because bridges are named alike on every engine. */
export async function startOwnDockerd({
  args: always = [],
  link,
}: OwnDockerdOptions = {}): Promise<OwnDockerd> {
  const root = await mkdtemp(join(tmpdir(), 'cn-dockerd-'))
  const at = (name: string): string => join(root, name)
  await mkdir(at('data'))
  await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'cn-test-dockerd', at('data')])
  // The network outlives the daemon, as a machine's does.
  const network = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up; exec sleep 86400'])
  await once(network, 'spawn')
  await hasOwnNetwork(network.pid!)
  if (link !== undefined) await connectNetworks(network.pid!, link)
  const socketPath = at('docker.sock')
  const docker = new Docker({ socketPath })
  let daemon: ChildProcess | undefined

  async function start(...args: readonly string[]): Promise<void> {
    await dropStalePid(at('exec/containerd/containerd.pid'), 'containerd')
    await rm(at('pid'), { force: true })
    const log = openSync(at('log'), 'a')
    const options = [
      ...['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('pid')],
      ...['-H', `unix://${socketPath}`, '--log-level', 'warn', ...always, ...args],
    ]
    const command = [`--net=/proc/${network.pid}/ns/net`, 'dockerd', ...options]
    daemon = spawn('nsenter', command, { stdio: ['ignore', log, log] })
    closeSync(log)
    while (!(await answers(docker))) {
      if (daemon.exitCode !== null) throw new Error(await readFile(at('log'), 'utf8'))
      await sleep(50)
    }
  }

  async function stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (daemon === undefined) return
    const ended = once(daemon, 'exit')
    daemon.kill(signal)
    await ended
    daemon = undefined
  }

  async function end(): Promise<void> {
    if (daemon === undefined) await start()
    for (const { Id } of await docker.listContainers({ all: true })) {
      await docker.getContainer(Id).remove({ force: true })
    }
    await stop('SIGTERM')
    await endShims(root)
    network.kill('SIGKILL')
    await run('umount', ['--lazy', at('data')])
    await rm(root, { recursive: true, force: true })
  }

  await start()
  return {
    host: `unix://${socketPath}`,
    socketPath,
    docker,
    start,
    stop,
    async fill(bytes) {
      const { stdout } = await run('df', ['--block-size=1', '--output=used', at('data')])
      const used = Number(stdout.split('\n')[1])
      const resize = (size: string) =>
        run('mount', ['-o', `remount,size=${size}`, 'cn-test-dockerd', at('data')])
      await resize(String(used + bytes))
      return async () => void (await resize(DISK))
    },
    [Symbol.asyncDispose]: end,
  }
}

/** A daemon that entered before the process has left ours would give our bridges other addresses. */
async function hasOwnNetwork(pid: number): Promise<void> {
  const ours = await readlink('/proc/self/ns/net')
  while ((await readlink(`/proc/${pid}/ns/net`)) === ours) await sleep(10)
}

/** A cable between this machine's network and that of a process; it goes with the latter. */
async function connectNetworks(
  pid: number,
  { here, there }: NonNullable<OwnDockerdOptions['link']>,
): Promise<void> {
  const [near, inside] = [`cn-t${pid}`, ['-t', String(pid), '-n']]
  await run('ip', [
    'link',
    'add',
    near,
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'netns',
    String(pid),
  ])
  await run('ip', ['addr', 'add', `${here}/24`, 'dev', near])
  await run('ip', ['link', 'set', near, 'up'])
  await run('nsenter', [...inside, 'ip', 'addr', 'add', `${there}/24`, 'dev', 'eth0'])
  await run('nsenter', [...inside, 'ip', 'link', 'set', 'eth0', 'up'])
}

const answers = (docker: Docker): Promise<boolean> =>
  docker.ping().then(
    () => true,
    () => false,
  )

/** A daemon that was killed while it made a container knows nothing of its shim, which stays with the process in it. */
async function endShims(root: string): Promise<void> {
  const { stdout } = await run('pgrep', ['-f', `containerd-shim.*${root}/`]).catch(() => ({
    stdout: '', // none
  }))
  for (const shim of stdout.split('\n').filter(Boolean).map(Number)) {
    const children = await readFile(`/proc/${shim}/task/${shim}/children`, 'utf8').catch(() => '')
    for (const pid of [...children.split(' ').filter(Boolean).map(Number), shim]) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // it has ended meanwhile
      }
    }
  }
}

/** A pid file whose process is gone makes a daemon wait 15 s (notes/containers.md §1). */
async function dropStalePid(file: string, program: string): Promise<void> {
  try {
    const pid = readFileSync(file, 'utf8').trim()
    if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(program)) return
  } catch {
    // no such file, or no such process
  }
  await rm(file, { force: true })
}
