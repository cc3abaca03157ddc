import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Container, ContainerSpec, Engine } from '../../src/containers/engine.ts'
import { createProcessEngine } from '../../src/containers/process-engine.ts'
import { markedProcesses, processFacts } from '../../src/containers/process-table.ts'

const genesis = new Uint8Array(32).fill(7)
const proof = {
  network: 'local',
  genesis,
  embeddedGenesis: genesis,
  listen: ['/ip4/127.0.0.1/tcp/0'],
  admittedPeerIds: ['12D3a'],
}
const sh = (script: string): string[] => ['sh', '-c', script]

let root: string
let engine: Engine
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'cn-process-'))
  engine = await createProcessEngine({ proof, stateDir: join(root, 'node') })
})
afterAll(async () => {
  for (const container of await engine.list()) await container.remove({ graceMs: 0 })
  await rm(root, { recursive: true, force: true })
})

let leases = 0
const specOf = (command?: readonly string[]): ContainerSpec => ({
  leaseId: `ab${++leases}`,
  image: 'none',
  ...(command === undefined ? {} : { command }),
  memoryMiB: 64,
  cpus: 1,
  expiresAtMs: 1_800_000_000_000,
})
const idle = async (): Promise<Container> => {
  const container = await engine.create(specOf())
  await container.start()
  return container
}
const processesOf = (container: Container): Promise<number[]> =>
  markedProcesses(`CN_CONTAINER=${container.id}`)

/** Of every process of this machine. */
async function commandLines(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => ''))
  return (await Promise.all(lines)).map((line) => line.replaceAll('\0', ' '))
}

test('it says what it is', () => {
  expect(engine.label).toBe('process (no isolation, devnet only)')
})

test('a command as main process: streams, exit code, logs, status', async () => {
  const container = await engine.create(specOf(sh('cat; echo wrong >&2; exit 7')))
  expect(await container.status()).toBe('created')
  const main = await container.attach()
  main.stdin.end('hello\n')
  await container.start()
  const [out, err, code] = await Promise.all([text(main.stdout), text(main.stderr), main.exitCode])
  expect({ out, err, code }).toEqual({ out: 'hello\n', err: 'wrong\n', code: 7 })
  expect(await container.wait()).toEqual({ exitCode: 7 })
  expect(await container.status()).toBe('exited')
  expect(Buffer.from((await container.logs()).stdout).toString()).toBe('hello\n')
  await container.remove()
  await container.remove()
  expect(await container.status()).toBe('gone')
  await expect(container.wait()).rejects.toMatchObject({ code: 'ENGINE_GONE' })
})

test('unattached output is kept, its tail too', async () => {
  const container = await engine.create(specOf(sh('echo one; echo two; echo three')))
  await container.start()
  await container.wait()
  const { stdout } = await container.logs({ tailLines: 2 })
  expect(Buffer.from(stdout).toString()).toBe('two\nthree\n')
  await container.remove()
})

test('exec: streams apart, half-closed stdin, folder, exit code', async () => {
  const container = await idle()
  const exec = await container.exec(sh('cat; echo "$GREETING"; echo wrong >&2; exit 3'), {
    env: { GREETING: 'hi' },
  })
  exec.stdin.end('input\n')
  const [out, err, code] = await Promise.all([text(exec.stdout), text(exec.stderr), exec.exitCode])
  expect({ out, err, code }).toEqual({ out: 'input\nhi\n', err: 'wrong\n', code: 3 })
  await container.remove()
})

test('the environment is scrubbed, the home its own and private', async () => {
  process.env['CN_TEST_SECRET'] = 'node secret'
  const container = await idle()
  const exec = await container.exec(sh('env; pwd'))
  const out = await text(exec.stdout)
  delete process.env['CN_TEST_SECRET']
  expect(out).not.toContain('node secret')
  const home = /^HOME=(.*)$/m.exec(out)?.[1] ?? ''
  expect(home).toContain(root)
  expect(out.trimEnd().endsWith(home)).toBe(true)
  expect((await stat(home)).mode & 0o077).toBe(0)
  await container.remove()
  await expect(stat(home)).rejects.toThrow('ENOENT')
})

test('commands that cannot run end as in a shell', async () => {
  const container = await idle()
  const missing = await container.exec(['no-such-program'])
  expect([await missing.exitCode, await text(missing.stderr)]).toEqual([
    127,
    'no-such-program: not found\n',
  ])
  const folder = await container.exec(['/etc'])
  expect(await folder.exitCode).toBe(126)
  await container.remove()
})

test('kill ends the command and all that it started, and nothing else', async () => {
  const container = await idle()
  const other = await container.exec(['sleep', '1000'])
  const exec = await container.exec(sh('setsid sleep 2001 & sleep 2002 & echo up; wait'))
  await once(exec.stdout, 'data')
  await expect.poll(() => processesOf(container)).toHaveLength(4)
  await exec.kill()
  expect(await exec.exitCode).toBe(137)
  await expect.poll(() => processesOf(container)).toHaveLength(1)
  await other.kill('SIGTERM')
  expect(await other.exitCode).toBe(143)
  await container.remove()
})

test('an aborted exec is killed', async () => {
  const container = await idle()
  const controller = new AbortController()
  const exec = await container.exec(['sleep', '1000'], { signal: controller.signal })
  controller.abort()
  expect(await exec.exitCode).toBe(137)
  await container.remove()
})

test('the end of the main process ends what it left behind', async () => {
  const container = await engine.create(specOf(sh('setsid sleep 2003 & exit 0')))
  await container.start()
  await container.wait()
  await expect.poll(() => processesOf(container)).toEqual([])
  await container.remove()
})

test('removal ends everything, also what ignores SIGTERM and what fled its group and environment', async () => {
  const container = await engine.create(
    specOf(sh('trap "" TERM; env -i sleep 2004 & setsid sleep 2005 & sleep 2006')),
  )
  await container.start()
  await expect.poll(() => processesOf(container)).not.toHaveLength(0)
  const pids = await processesOf(container)
  await container.remove({ graceMs: 100 })
  for (const pid of pids) expect(await processFacts(pid)).toBeUndefined()
  expect(await commandLines()).not.toEqual(
    expect.arrayContaining([expect.stringMatching(/^sleep 200[456] /)]),
  )
  expect(await container.status()).toBe('gone')
})

test('what is not running takes no command', async () => {
  const container = await engine.create(specOf())
  await expect(container.exec(['true'])).rejects.toMatchObject({ code: 'ENGINE_CONFLICT' })
  await container.remove()
  await expect(container.exec(['true'])).rejects.toMatchObject({ code: 'ENGINE_GONE' })
})

test('a second container for a lease is refused, and a lease id that is a path', async () => {
  const spec = specOf()
  const container = await engine.create(spec)
  await expect(engine.create(spec)).rejects.toMatchObject({ code: 'ENGINE_CONFLICT' })
  await container.remove()
  await expect(engine.create({ ...spec, leaseId: '../x' })).rejects.toThrow(RangeError)
})

test('usage and expiry', async () => {
  const container = await idle()
  const exec = await container.exec(['sleep', '1000'])
  // A process that was just forked has no memory of its own yet.
  await vi.waitFor(async () => {
    const usage = await container.usage()
    expect(usage.processes).toBe(1)
    expect(usage.memoryBytes).toBeGreaterThan(0)
  }, 10_000)
  await container.extend(1_900_000_000_000)
  const [found] = (await engine.list()).filter(({ id }) => id === container.id)
  expect(found?.expiresAtMs).toBe(1_900_000_000_000)
  await container.remove()
  expect(await exec.exitCode).toBe(137)
})

describe('after the owner was killed with -9', () => {
  let stateDir: string
  let found: Map<string, Container>

  beforeAll(async () => {
    stateDir = join(root, 'killed')
    const script = join(import.meta.dirname, '../support/process-engine-owner.ts')
    const owner = spawn(process.execPath, [script, stateDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(owner.stdout, 'data')
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    const again = await createProcessEngine({ proof, stateDir })
    found = new Map((await again.list()).map((container) => [container.leaseId, container]))
  })
  afterAll(async () => {
    for (const container of found.values()) await container.remove({ graceMs: 0 })
  })
  const lease = (id: string): Container => found.get(id)!

  test('every lease is found, with what it was', async () => {
    expect([...found.keys()].sort()).toEqual(['aa01', 'aa02', 'aa03'])
    expect(lease('aa01').expiresAtMs).toBe(1_800_000_000_000)
    expect(await lease('aa02').status()).toBe('running')
  })

  test('an adopted main process is waited for, and tells its exit code', async () => {
    expect(await lease('aa03').wait()).toEqual({ exitCode: 9 })
  })

  test('an adopted lease takes commands and is removed without leaving a process or a file', async () => {
    for (const id of ['aa01', 'aa02']) {
      const container = lease(id)
      expect(await container.status()).toBe('running')
      const exec = await container.exec(['echo', 'adopted'])
      expect(await text(exec.stdout)).toBe('adopted\n')
      expect(await processesOf(container)).not.toHaveLength(0)
      await container.remove({ graceMs: 1000 })
      expect(await processesOf(container)).toEqual([])
      expect(await container.status()).toBe('gone')
    }
    expect(await readdir(stateDir)).toEqual(['aa03'])
  })
})

test('a port is reached where the lease listens, and nowhere else', async () => {
  const container = await idle()
  const script =
    "require('net').createServer((s) => s.pipe(s)).listen(0, '127.0.0.1', function () { console.log(this.address().port) })"
  const service = await container.exec([process.execPath, '-e', script])
  service.stderr.resume()
  const port = await new Promise<number>((resolve) =>
    service.stdout.once('data', (line) => resolve(Number(line))),
  )
  const socket = await container.dial(port)
  socket.end('mine')
  expect(await text(socket)).toBe('mine')
  const stranger = createServer().listen(0, '127.0.0.1')
  await once(stranger, 'listening')
  const nothing = { code: 'NOTHING_MATCHED_PORT' }
  await expect(container.dial((stranger.address() as AddressInfo).port)).rejects.toMatchObject(
    nothing,
  )
  const other = await idle()
  await expect(other.dial(port)).rejects.toMatchObject(nothing)
  stranger.close()
  await Promise.all([container.remove(), other.remove()])
})
