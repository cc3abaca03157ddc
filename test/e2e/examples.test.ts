import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  isBadRequest,
  isExit,
  isLeaseEnded,
  isNotFound,
  isRefused,
} from '../../src/client/errors.ts'
import { silent } from '../../src/log.ts'
import { configWith } from '../../src/node/config.ts'
import { devnetLayout } from '../../src/node/devnet/layout.ts'
import { type Market, startMarket } from '../../src/node/devnet/market.ts'
import { connect } from '../../src/node/sdk/connect.ts'
import type { LeaseHere as Lease } from '../../src/node/sdk/lease-here.ts'
import type { NodeHere } from '../../src/node/sdk/node-here.ts'
import { docker, noDocker } from '../support/docker.ts'
import { makeJupyterImage } from '../support/jupyter-image.ts'
import { makeServerImage } from '../support/server-image.ts'
import { requireOrSkip } from '../support/skips.ts'

const ignore = (): void => undefined
const folder = join(import.meta.dirname, '../../examples')

/** One market for all of them: its renter's node is what the examples connect to. */
async function startExamples() {
  await using stack = new AsyncDisposableStack()
  const root = await mkdtemp(join(tmpdir(), 'cn-e2e-examples-'))
  stack.defer(() => rm(root, { recursive: true, force: true }))
  const layout = devnetLayout(root, 2, 1)
  const parts = { layout, config: configWith({ engine: noDocker ? 'process' : 'docker' }) }
  const { signal } = new AbortController()
  const told = { onStep: ignore, onReady: ignore, onNode: ignore, env: process.env, log: silent }
  const nodes: Market['nodes'][number][] = []
  // Begun before the market, so that it comes after its end: miners remove what is theirs, and both at once may not.
  if (!noDocker) stack.defer(() => removeContainers(nodes))
  const market = await startMarket({ ...parts, ...told, signal }, stack)
  nodes.push(...market.nodes)
  // Programs outside of the checkout find the package here, as if it were installed.
  await writeFile(join(root, 'package.json'), '{ "type": "module" }')
  await mkdir(join(root, 'node_modules'))
  await symlink(join(folder, '..'), join(root, 'node_modules/compute-node'))
  const dataDir = layout.members.find(({ role }) => role === 'renter')!.dataDir
  const node = stack.use(await connect({ dataDir }))
  const owned = stack.move()
  return { root, market, node, dataDir, end: () => owned.disposeAsync() }
}

/** What a miner that was killed has left. */
async function removeContainers(nodes: Market['nodes']): Promise<void> {
  for (const { peerId } of nodes) {
    const filters = { label: [`cn.node=${peerId}`] }
    for (const { Id } of await docker.listContainers({ all: true, filters })) {
      await docker.getContainer(Id).remove({ force: true })
    }
  }
}

let examples: Awaited<ReturnType<typeof startExamples>>
const timeout = 240_000
const notebooks = noDocker ? undefined : await makeJupyterImage('cn-test-jupyter:examples')
const server = noDocker ? undefined : await makeServerImage('cn-test-server:1')
requireOrSkip(noDocker || server !== undefined, 'a static busybox')
afterAll(async () => {
  for (const image of [notebooks, server]) {
    if (image !== undefined) await docker.getImage(image).remove({ force: true })
  }
})
beforeAll(async () => {
  examples = await startExamples()
}, timeout)
afterAll(() => examples?.end(), timeout)

/** A program as somebody would run it beside the renter's node. */
function startProgram(path: string, ...args: string[]): ChildProcess {
  const env = { ...process.env, COMPUTE_NODE_DATA_DIR: examples.dataDir, NODE_OPTIONS: '' }
  return spawn(process.execPath, [path, ...args], { env })
}

const start = (name: string, ...args: string[]): ChildProcess =>
  startProgram(join(folder, `${name}.ts`), ...args)

const run = (name: string, ...args: string[]): Promise<string> => outputOf(start(name, ...args))

async function outputOf(child: ChildProcess): Promise<string> {
  const [stdout, { exitCode, stderr }] = await Promise.all([text(child.stdout!), endOf(child)])
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${stdout}${stderr}`)
  return stdout
}

async function endOf(child: ChildProcess): Promise<{ exitCode: unknown; stderr: string }> {
  const [stderr, [exitCode]] = await Promise.all([text(child.stderr!), once(child, 'close')])
  return { exitCode, stderr }
}

/** Gossip takes a moment to tell that what was let is free again. */
async function untilOffers(node: NodeHere, count: number): Promise<void> {
  while ((await node.offers.search()).length < count) await sleep(200)
}

/** What a call throws; fails the test where it does not. */
const thrown = async (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    (given) => expect.fail(`it resolved with ${JSON.stringify(given)}`),
    (error: unknown) => error,
  )

const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => Array.fromAsync(items)

const drained = async (items: AsyncIterable<unknown>): Promise<void> => {
  for await (const item of items) void item
}

const first = async <T>(items: AsyncIterable<T>): Promise<T> => {
  for await (const item of items) return item
  return expect.fail('nothing came')
}

const PRINTS =
  'trap "exit 0" TERM; echo begun >&2; i=0; while true; do i=$((i+1)); echo step $i; sleep 0.2; done'

describe.skipIf(noDocker)('the SDK on a lease', { timeout }, () => {
  let lease: Lease
  beforeAll(async () => {
    await untilOffers(examples.node, 2)
    const [offer] = await examples.node.offers.search()
    const command = ['sh', '-c', PRINTS]
    const wanted = { query: offer!.id, hours: 0.1, maxDph: undefined, labels: { for: 'tests' } }
    lease = await examples.node.rent({ ...wanted, command, waitMs: 60_000 })
  }, timeout)
  afterAll(async () => {
    for (const left of await examples.node.leases.list({ running: true })) await left.stop()
  }, timeout)

  test('a terminal: typed into, resized, with its exit code', async () => {
    using shell = lease.shell({ columns: 91, rows: 31 })
    const shown = shell.output.text()
    await shell.resize(101, 41)
    await shell.write('stty size; echo $((6 * 7)); exit 5\n')
    expect(await shell.exit).toBe(5)
    expect(await shown).toMatch(/41 101\r\n42\r\n/)
  })

  test('a command: input, variables, folder, user, signals, its failure', async () => {
    const input = { stdin: { text: 'abc' } }
    expect(await lease.exec(['tr', 'a-z', 'A-Z'], input).text()).toBe('ABC')
    const place = { env: { A: '1' }, workingDir: '/tmp', user: '1000' }
    expect(await lease.exec(['sh', '-c', 'echo $A $PWD $(id -u)'], place).text()).toBe(
      '1 /tmp 1000',
    )
    using piped = lease.exec(['cat'], { stdin: 'pipe' })
    await piped.stdin.write('one\n')
    expect(await first(piped.stdout.lines())).toBe('one')
    await piped.kill('SIGKILL')
    expect(await piped.exit).toBe(137)
    const failed = await thrown(lease.exec(['sh', '-c', 'echo why >&2; exit 3']).text())
    expect(isExit(failed) && failed.details.exitCode).toBe(3)
  })

  test('its logs and its use as they come; labels, extension, receipts', async () => {
    expect(await all(lease.logs({ tail: 1 }))).toEqual([
      { stream: 'stdout', text: expect.stringMatching(/^step \d+\n$/) },
    ])
    expect((await first(lease.logs({ follow: true }))).text).toMatch(/begun|step 1/)
    expect((await first(lease.usage())).pids).toBeGreaterThan(0)
    expect((await lease.label({ for: null, tried: 'yes' })).labels).toEqual({ tried: 'yes' })
    const { durationMs } = lease.view
    expect((await lease.extend({ hours: 0.1 })).durationMs).toBe(durationMs + 360_000)
    const { check, items } = await lease.receipts({ verify: true })
    expect([check.verdict, items.length]).toEqual(['VALID', check.receipts])
    expect(inspect(lease)).toBe(inspect(lease.view))
  })

  test('what makes no sense is refused with what would', async () => {
    const asked = [
      lease.extend({ hours: Number.NaN }),
      examples.node.rent({ hours: -1 }),
      lease.label({ 'a b': 'c' }),
    ]
    for (const error of await Promise.all(asked.map(thrown))) {
      expect(isBadRequest(error) && error.message).toMatch(/is no duration|must be letters/)
    }
  })

  test('paused, it takes no commands; resumed, it does', async () => {
    expect((await lease.pause()).state).toBe('PAUSED')
    const refused = await thrown(lease.exec(['true']).exit)
    expect(isRefused(refused) && refused.next).toContain('resume')
    expect((await lease.resume()).state).toBe('ACTIVE')
    expect(await lease.exec(['true']).exit).toBe(0)
  })

  test('files: text, bytes, a source, a folder; what is not there', async () => {
    const { files } = lease
    async function* source() {
      yield 'a'
      yield new Uint8Array([98])
    }
    await files.write('/tmp/in/text', { text: 'grüße' })
    await files.write('/tmp/in/bytes', new Uint8Array(300_000).fill(7))
    await files.write('/tmp/in/source', source())
    expect(await files.read('/tmp/in/text').text()).toBe('grüße')
    const here = join(examples.root, 'out')
    expect((await files.get('/tmp/in', here)).files).toBe(3)
    expect(await readFile(join(here, 'source'), 'utf8')).toBe('ab')
    expect(await files.put(here, '/tmp/in')).toMatchObject({ unchanged: 3 })
    expect(isNotFound(await thrown(files.read('/tmp/nothing').text()))).toBe(true)
    expect(isNotFound(await thrown(files.get('/tmp/nothing', here)))).toBe(true)
  })

  test('a port is a local one; that nothing listens behind it is told', async () => {
    using _ = lease.exec(['httpd', '-f', '-p', '8080', '-h', '/tmp/in'])
    using forwarded = await lease.ports.forward(8080)
    const asked = async () => (await fetch(`${forwarded.url}/source`)).text()
    await expect.poll(() => asked().catch(String), { timeout: 10_000 }).toBe('ab')
    const told = Promise.withResolvers<unknown>()
    using silent = await lease.ports.forward(9999, { onFailure: told.resolve })
    await thrown(fetch(silent.url))
    expect(isNotFound(await told.promise)).toBe(true)
    const taken = lease.ports.forward(8080, { localPort: forwarded.localPort })
    expect(isBadRequest(await thrown(taken))).toBe(true)
  })

  test('a signal ends each call with its reason, before it began and in its middle', async () => {
    const { node, root } = examples
    async function* endless() {
      for (;;) yield await sleep(50, 'a')
    }
    const waiting: ((signal: AbortSignal) => Promise<unknown>)[] = [
      (signal) => lease.exec(['sleep', '60'], { signal }).exit,
      (signal) => lease.exec(['sleep', '60'], { signal }).text(),
      (signal) => lease.shell({ columns: 80, rows: 24, signal }).exit,
      (signal) => drained(lease.logs({ follow: true, signal })),
      (signal) => lease.wait({ signal }),
      (signal) => lease.files.write('/tmp/endless', endless(), { signal }),
      (signal) => drained(lease.files.read('/dev/zero', { signal })),
      async (signal) => (await lease.ports.forward(1, { signal })).ended,
      (signal) => node.rent({ query: `host_id=${lease.view.miner}`, waitMs: 60_000, signal }),
    ]
    const quick: typeof waiting = [
      (signal) => lease.files.put(root, '/tmp/root', { signal }),
      (signal) => lease.files.get('/tmp', join(root, 'never'), { signal }),
      (signal) => lease.receipts({ verify: true, signal }),
      (signal) => lease.refresh({ signal }),
      (signal) => lease.label({ a: 'b' }, { signal }),
      (signal) => lease.extend({ hours: 1, signal }),
      (signal) => lease.pause({ signal }),
      (signal) => lease.resume({ signal }),
      (signal) => lease.stop({ signal }),
      (signal) => connect({ dataDir: examples.dataDir, signal }),
      (signal) => node.offers.search('', { signal }),
      (signal) => node.status({ signal }),
    ]
    const why = new Error('enough')
    const already = AbortSignal.abort(why)
    for (const ask of [...waiting, ...quick]) expect(await thrown(ask(already))).toBe(why)
    const stop = new AbortController()
    const begun = waiting.map((ask) => thrown(ask(stop.signal)))
    const { signal } = stop
    const ended = [lease.usage({ signal }), node.offers.watch({ signal }), node.events({ signal })]
    const over = ended.map(drained)
    await sleep(700)
    stop.abort(why)
    for (const error of await Promise.all(begun)) expect(error).toBe(why)
    await Promise.all(over)
    expect((await lease.refresh()).state).toBe('ACTIVE')
  })

  test('what is open when it ends is told so; who waited in line is told its place, and comes next', async () => {
    const { node } = examples
    const places: number[] = []
    const next = node.rent({
      query: `host_id=${lease.view.miner}`,
      ...{ hours: 0.1, waitMs: 120_000 },
      onProgress: (progress) => {
        if (progress.kind === 'queued') places.push(progress.position)
      },
    })
    const open = [
      lease.exec(['sh', '-c', 'while true; do echo more; done']).exit,
      lease.shell({ columns: 80, rows: 24 }).exit,
      all(lease.usage()),
      (await lease.ports.forward(8080)).ended,
    ].map(thrown)
    const { promise: opened, resolve: onOpen } = Promise.withResolvers<void>()
    const followed = all(lease.logs({ follow: true, tail: 1, onOpen }))
    const waited = lease.wait()
    await expect.poll(() => places.length, { timeout: 20_000 }).toBeGreaterThan(0)
    await opened // else it would be refused, as those below
    expect(await lease.stop({ reason: 'enough' })).toMatchObject({ over: true, reason: 'enough' })
    for (const error of await Promise.all(open)) expect(isLeaseEnded(error)).toBe(true)
    expect((await followed).length).toBeGreaterThan(0)
    expect((await waited).over).toBe(true)
    const later = [
      lease.exec(['true']).exit,
      all(lease.logs()),
      lease.files.read('/tmp/in/text').text(),
      lease.ports.forward(8080),
    ]
    for (const error of await Promise.all(later.map(thrown))) expect(isLeaseEnded(error)).toBe(true)
    expect((await lease.receipts({ verify: true })).check.verdict).toBe('VALID')
    lease = await next
    expect(places[0]).toBe(1)
  })

  test('a program ends by itself, and gives back what it took when it is interrupted', async () => {
    const program = (name: string, text: string) => writeFile(join(examples.root, name), text)
    await program(
      'looks.ts',
      `import { connect } from 'compute-node'
       const node = await connect()
       console.log((await node.leases.list({ running: true })).length > 0)`,
    )
    expect(await outputOf(startProgram(join(examples.root, 'looks.ts')))).toBe('true\n')
    await program(
      'takes.ts',
      `import { connect, untilInterrupted } from 'compute-node'
       await using node = await connect({ signal: untilInterrupted() })
       await using lease = await node.rent({ hours: 0.1, waitMs: 60_000 })
       lease.exec(['sleep', '60'])
       lease.shell({ columns: 80, rows: 24 })
       await lease.ports.forward(8080)
       const [usage, logs] = [lease.usage(), lease.logs({ follow: true })]
       await usage.next()
       void logs[Symbol.asyncIterator]().next().catch(() => undefined)
       console.log(lease.id)
       await lease.wait()`,
    )
    const child = startProgram(join(examples.root, 'takes.ts'))
    const ended = endOf(child)
    let id = ''
    for await (const line of createInterface({ input: child.stdout! })) {
      id = line
      child.kill('SIGINT')
    }
    expect(await ended).toEqual({ exitCode: 130, stderr: 'stopped by SIGINT\n' })
    const taken = await examples.node.leases.get(id)
    expect(await taken.wait()).toMatchObject({ ending: 'renter-stopped' })
  })
})

describe('the examples', { timeout }, () => {
  test('01: a first command', async () => {
    await untilOffers(examples.node, 2)
    const printed = await run('01-first-exec', 'gpu_name=CPU')
    expect(printed).toMatch(/^lease [0-9a-f]{12} at 0.5 DEV per hour$/m)
    expect(printed).toMatch(/^it is a Linux \S+ machine$/m)
    expect(printed).toContain('step 1\nstep 2\nstep 3\nexit code 0\n')
    expect(printed).toMatch(/^it cost 0\.\d+ DEV$/m)
  })

  test('02: as many leases as wanted', async () => {
    await untilOffers(examples.node, 2)
    const printed = await run('02-four-gpus', '2')
    expect(new Set(printed.match(/(?<= runs at )\S+/g)).size).toBe(2)
    expect(printed).toContain('the sum of all parts is 8002000\n')
  })

  test('03: a folder in, a training, its result out', async () => {
    const [job, result] = ['job', 'result'].map((name) => join(examples.root, name)) as [
      string,
      string,
    ]
    await mkdir(job)
    await writeFile(join(job, 'data.txt'), 'weights')
    await writeFile(join(job, 'left.tmp'), 'out')
    const script = 'echo epoch 1; ls; mkdir "$OUT"; tr a-z A-Z <data.txt >"$OUT/model.txt"'
    await writeFile(join(job, 'train.sh'), script)
    await untilOffers(examples.node, 1)
    const printed = await run('03-fine-tune', job, result)
    expect(printed).toContain(
      '2 files went in\n  epoch 1\n  data.txt\n  train.sh\n1 files came back',
    )
    expect(await readFile(join(result, 'model.txt'), 'utf8')).toBe('WEIGHTS')
  })

  test.skipIf(notebooks === undefined)('04: a notebook that answers here', async () => {
    await untilOffers(examples.node, 1)
    const child = start('04-jupyter', notebooks!)
    const ended = endOf(child)
    for await (const line of createInterface({ input: child.stdout! })) {
      if (!line.startsWith('http')) continue
      expect(await (await fetch(line)).text()).toContain('notebooks of /lab')
      child.kill('SIGINT')
    }
    expect(await ended).toEqual({ exitCode: 0, stderr: '' })
  })

  test.skipIf(server === undefined)('05: the port of a server in a lease', async () => {
    await untilOffers(examples.node, 1)
    const printed = await run('05-vllm', 'tiny-model', server!)
    expect(printed).toMatch(
      /^tiny-model answers at http:\/\/127.0.0.1:\d+\nit serves tiny-model\n$/,
    )
  })

  test('07: never more than the budget', async () => {
    await untilOffers(examples.node, 2)
    const printed = await run('07-budget', '0.08')
    expect(printed).toMatch(
      /^lease 1 can cost 0.05 DEV\nlease 2 is refused: .+\n.*no standing offer/,
    )
  })

  test('08: the market as it changes', async () => {
    await untilOffers(examples.node, 2)
    const child = start('08-watch-market', 'num_gpus>=0')
    const ended = endOf(child)
    const lines: string[] = []
    let renting: Promise<Lease> | undefined
    for await (const line of createInterface({ input: child.stdout! })) {
      lines.push(line)
      if (lines.filter((one) => one.startsWith('added')).length === 2) {
        renting ??= examples.node.rent({ hours: 0.1 })
      }
      if (line.startsWith('removed')) child.kill('SIGINT')
    }
    await (await renting)?.stop()
    expect(await ended).toEqual({ exitCode: 0, stderr: '' })
    expect(lines.join('\n')).toMatch(/^local-\S+, \d+ peers\nadded .* 0x CPU .* at 0\.[56]\n/)
  })

  test('09: a proof, checked from its bytes alone', async () => {
    while ((await proofs()).length === 0) await sleep(500)
    const printed = await run('09-verify-offline')
    expect(printed).toMatch(/^\S+ says VALID of slot \d+\nVALID: cpu-0 of /)
    expect(printed).toMatch(/^ {2}finals +ok /m)
    const bytes = await examples.node.transcripts.get((await proofs())[0]!)
    const file = join(examples.root, 'proof')
    await writeFile(file, bytes)
    expect(await run('09-verify-offline', file)).toMatch(/^VALID: /)
    bytes[bytes.length - 40]! ^= 1
    expect((await examples.node.transcripts.verify(bytes)).verdict).not.toBe('VALID')
  })

  test('10: a bot that rents again', async () => {
    await untilOffers(examples.node, 1)
    const child = start('10-re-rent-bot', '1', '2')
    const ended = endOf(child)
    const seen: string[] = []
    for await (const line of createInterface({ input: child.stdout! })) {
      const [, id] = /^([0-9a-f]{12}) runs at/.exec(line) ?? []
      if (id === undefined) continue
      seen.push(id)
      await (await examples.node.leases.get(id)).stop()
    }
    expect(await ended).toEqual({ exitCode: 0, stderr: '' })
    expect(new Set(seen).size).toBe(2)
  })

  test('what README.md shows runs as pasted', async () => {
    await untilOffers(examples.node, 1)
    const readme = await readFile(join(folder, '../README.md'), 'utf8')
    const [, program] = /^```ts\n(.+?)^```$/ms.exec(readme)!
    const [, shown] = /^\$ .*node first\.ts\n(.+?)^```$/ms.exec(readme)!
    await writeFile(join(examples.root, 'first.ts'), program!)
    expect(await outputOf(startProgram(join(examples.root, 'first.ts')))).toBe(shown)
  })

  // The last one, for it takes a miner away.
  test('06: a miner is lost in the middle of a job', async () => {
    await untilOffers(examples.node, 2)
    const child = start('06-another-miner')
    const lines: string[] = []
    for await (const line of createInterface({ input: child.stdout! })) {
      lines.push(line)
      if (lines.length > 1) continue
      const miner = line.slice('runs at '.length)
      const { pid } = examples.market.nodes.find(({ peerId }) => peerId === miner)!
      process.kill(pid, 'SIGKILL')
    }
    expect(lines.at(-1)).toBe('done')
    expect(lines.filter((line) => line.startsWith('runs at')).length).toBe(2)
    expect(lines.join('\n')).toMatch(/was lost \(PEER_\S+\): trying another/)
  })
})

/** Transcripts that a verdict rests on. */
const proofs = async (): Promise<string[]> =>
  (await examples.node.attestations())
    .filter(({ verdict }) => verdict === 'VALID')
    .flatMap(({ transcript }) => (transcript === null ? [] : [transcript]))
