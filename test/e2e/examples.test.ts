import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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
  const market = await startMarket({ ...parts, ...told, signal }, stack)
  if (!noDocker) stack.defer(() => removeContainers(market))
  const dataDir = layout.members.find(({ role }) => role === 'renter')!.dataDir
  const node = stack.use(await connect({ dataDir }))
  const owned = stack.move()
  return { root, market, node, dataDir, end: () => owned.disposeAsync() }
}

/** What a miner that was killed has left. */
async function removeContainers({ nodes }: Market): Promise<void> {
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

/** An example as somebody would run it beside the renter's node. */
function start(name: string, ...args: string[]): ChildProcess {
  const env = { ...process.env, COMPUTE_NODE_DATA_DIR: examples.dataDir, NODE_OPTIONS: '' }
  return spawn(process.execPath, [join(folder, `${name}.ts`), ...args], { env })
}

async function run(name: string, ...args: string[]): Promise<string> {
  const child = start(name, ...args)
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
