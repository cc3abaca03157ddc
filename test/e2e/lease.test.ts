import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silent } from '../../src/log.ts'
import { createDataFolder } from '../../src/node/data-folder.ts'
import { loadIdentity } from '../../src/node/identity.ts'
import { outputSchemas } from '../../src/node/output-schemas.ts'
import { docker, noDocker } from '../support/docker.ts'
import { makeJupyterImage } from '../support/jupyter-image.ts'
import { type CliRun, endWith, firstLine, runCli, startCli } from '../support/run-cli.ts'
import { requireOrSkip } from '../support/skips.ts'

type Started = ReturnType<typeof startCli>

/**
 * A chain with its ledger, a miner, a renter and a stranger: processes on this machine, each with its folder, until `end`.
 */
async function startMarket(engine: 'docker' | 'process') {
  const root = await mkdtemp(join(tmpdir(), 'cn-e2e-lease-'))
  const dataDir = (name: string): string => join(root, name)
  const names = ['miner', 'renter', 'stranger']
  const peerIds = await Promise.all(names.map((name) => peerIdIn(dataDir(name))))
  const running = new Map<string, Started>()
  const end = async (): Promise<void> => {
    // The renter first: what it rents ends with the miner anyway.
    for (const name of ['renter', 'stranger', 'miner', 'chain']) {
      const child = running.get(name)
      if (child !== undefined) await endWith(child, 'SIGTERM')
    }
    if (engine === 'docker') await removeContainers(peerIds[0]!)
    await rm(root, { recursive: true, force: true })
  }
  const start = async (name: string, args: readonly string[]) => {
    const child = startCli([...args, '--data-dir', dataDir(name), '--json'])
    running.set(name, child)
    return JSON.parse(await firstLine(child)) as Record<string, unknown>
  }
  const chain = await start('chain', ['chain', 'dev', '--port', '0', '--netuid', '1'])
  const network = [
    ...['--network', 'local', '--netuid', '1', '--chain', String(chain['url'])],
    ...['--genesis', String(chain['genesis']).replace(/^0x/, '')],
    ...peerIds.flatMap((peer) => ['--peer', peer]),
  ]
  const listen = (port = 0) => ['--listen', `/ip4/127.0.0.1/tcp/${port}`]
  const startMiner = (port?: number) => {
    const own = ['--role', 'miner', '--engine', engine, '--price', '3.6']
    return start('miner', [...network, ...own, ...listen(port)])
  }
  const miner = await startMiner()
  const address = (miner['addrs'] as string[])[0]!
  const join_ = ['--bootstrap', address, '--role', 'renter', ...listen()]
  await Promise.all(['renter', 'stranger'].map((name) => start(name, [...network, ...join_])))
  return {
    root,
    miner: { peerId: String(miner['peerId']), port: Number(/tcp\/(\d+)/.exec(address)![1]) },
    run: (name: string, ...args: string[]): Promise<CliRun> => {
      const at = args.indexOf('--')
      const folder = ['--data-dir', dataDir(name)]
      const own =
        at < 0 ? [...args, ...folder] : [...args.slice(0, at), ...folder, ...args.slice(at)]
      return runCli(own)
    },
    kill: (name: string, signal: NodeJS.Signals = 'SIGKILL') => endWith(running.get(name)!, signal),
    end,
    startMiner,
    dataDir,
  }
}

type Market = Awaited<ReturnType<typeof startMarket>>

async function peerIdIn(folder: string): Promise<string> {
  const { keyFile } = await createDataFolder(folder)
  return (await loadIdentity(keyFile, silent)).peerId
}

/** Runs a command until it gives `exitCode`: gossip takes a moment. */
async function until(run: () => Promise<CliRun>, exitCode = 0): Promise<CliRun> {
  for (let tries = 0; ; tries++) {
    const result = await run()
    if (result.exitCode === exitCode) return result
    if (tries >= 120) throw new Error(`still ${result.exitCode}: ${result.stderr}`)
    await delay(500)
  }
}

const json = ({ stdout }: CliRun) => JSON.parse(stdout)

/** A command with bytes on its stdin. */
async function withInput(market: Market, args: readonly string[], input: Uint8Array) {
  const entry = join(import.meta.dirname, '../../bin/compute-node.js')
  const folder = ['--data-dir', market.dataDir('renter')]
  const child = spawn(process.execPath, [entry, args[0]!, args[1]!, ...folder, ...args.slice(2)])
  child.stdin.end(input)
  const [stdout] = await Promise.all([buffer(child.stdout), once(child, 'close')])
  return { stdout, exitCode: child.exitCode }
}

/** The lines that a stranger's `rent --wait` prints; it runs one command when its turn comes. */
async function waitFor(market: Market, script: string): Promise<Record<string, unknown>[]> {
  const args = ['rent', '--wait=3m', 'gpu_name=CPU', '--hours', '0.1', '--json']
  const { stdout } = await market.run('stranger', ...args, '--', 'sh', '-c', script)
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

const engines = [
  ['docker', noDocker],
  ['process', false],
] as const

/** Five processes and a dozen commands on a busy machine. The tests of an engine share them, in this order. */
const timeout = 240_000

const notebooks = noDocker ? undefined : await makeJupyterImage('cn-test-jupyter:rent')
const noNotebooks = !requireOrSkip(noDocker || notebooks !== undefined, 'a static busybox')
if (notebooks !== undefined) afterAll(() => docker.getImage(notebooks).remove({ force: true }))

describe.each(engines)('with the %s engine', { timeout }, (engine, missing) => {
  let market: Market
  beforeAll(async () => {
    if (!missing) market = await startMarket(engine)
  }, timeout)
  afterAll(() => market?.end(), timeout)

  test.skipIf(missing || noNotebooks || engine === 'process')(
    'rent --jupyter: Ctrl-C ends Jupyter and not the lease; one without Jupyter ends at once',
    async () => {
      const { run, dataDir } = market
      await until(() => run('renter', 'offers'))
      const asked = ['rent', '--hours', '0.1', '--jupyter']
      const without = await run('renter', ...asked, '--image', 'busybox:1.37')
      expect(without).toMatchObject({ exitCode: 3, stdout: '' })
      expect(without.stderr).toContain('has no Jupyter')
      const [ended] = json(await run('renter', 'leases', '--json')).items
      expect(ended).toMatchObject({ state: 'SETTLED', outcome: 'ended' })
      await until(() => run('renter', 'offers'))
      const folder = ['--data-dir', dataDir('renter')]
      const child = startCli([...asked, '--image', notebooks!, '--json', ...folder])
      const { url, lease } = JSON.parse(await firstLine(child))
      expect(await (await fetch(url)).text()).toContain('notebooks of /lab')
      expect(await endWith(child, 'SIGINT')).toBe(0)
      expect(json(await run('renter', 'show', lease, '--json'))).toMatchObject({ state: 'ACTIVE' })
      expect((await run('renter', 'stop', lease, '-q')).exitCode).toBe(0)
    },
  )

  test.skipIf(missing)('a lease by commands, from rent to receipts', async () => {
    const { run } = market
    await until(() => run('renter', 'offers'))
    const script = 'echo out; echo err >&2; exit 7'
    const once_ = await run(
      'renter',
      'rent',
      'gpu_name=CPU',
      '--hours',
      '0.1',
      '--',
      'sh',
      '-c',
      script,
    )
    expect(once_).toMatchObject({ exitCode: 7, stdout: 'out\n' })
    expect(once_.stderr).toContain('err\n')
    const [ended] = json(await run('renter', 'leases', '--json')).items
    expect(ended).toMatchObject({ state: 'SETTLED', outcome: 'ended', asset: 'DEV', rail: 'dev' })
    expect(ended.settled).toBe(ended.owed)
    await until(() => run('renter', 'offers'))
    const taken = await run('renter', 'rent', '--hours', '0.1', '-q')
    expect(taken).toMatchObject({ exitCode: 0, stderr: '' })
    expect((await run('renter', 'leases', '--running', '-q')).stdout).toBe(taken.stdout)
    expect(await run('miner', 'leases')).toMatchObject({
      stdout: 'no leases\n',
      stderr: 'hosts 1 lease of others: compute-node status\n',
    })
    const id = taken.stdout.trim()
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    const bytes = randomBytes(2_000_000)
    const echoed = await withInput(market, ['exec', id.slice(0, 8), '--', 'cat'], bytes)
    expect(echoed.exitCode).toBe(0)
    expect(Buffer.compare(echoed.stdout, bytes)).toBe(0)
    const waited = waitFor(market, 'echo waited')
    await until(async () => {
      const { items } = json(await run('miner', 'queue', '--json'))
      expect(items.every((one: { where: string }) => one.where === 'here')).toBe(true)
      return { exitCode: items.length === 1 ? 0 : 1, stdout: '', stderr: '' }
    })
    const foreign = `${id}@${market.miner.peerId}`
    const refused = await run('stranger', 'exec', foreign, '--', 'id')
    expect(refused).toMatchObject({ exitCode: 5, stdout: '' })
    expect(refused.stderr).toContain('not authorized')
    await until(async () => {
      const { items } = json(await run('renter', 'receipts', id, '--json'))
      return { exitCode: items.length >= 2 ? 0 : 1, stdout: '', stderr: '' }
    })
    expect(await run('renter', 'stop', id, '-q')).toMatchObject({ exitCode: 0, stdout: `${id}\n` })
    expect((await run('renter', 'wait', id)).exitCode).toBe(0)
    const lines = await waited
    expect(lines.filter((line) => line.event === 'queue-place')[0]).toMatchObject({
      ...{ miner: market.miner.peerId, position: 1, waiting: 1 },
    })
    expect(lines.at(-1)).toMatchObject({ exitCode: 0, stdout: 'waited\n' })
    const { schema } = outputSchemas['rent --wait']!
    for (const line of lines) expect(schema.safeParse(line).error).toBeUndefined()
    const receipts = json(await run('renter', 'receipts', id, '--json'))
    expect(receipts).toMatchObject({ verified: true, asset: 'DEV' })
    expect(receipts.items.at(-1).final).toBe('stopped by the renter')
    expect(receipts.claimed).toBe(receipts.acknowledged)
    const newest = await run('renter', 'receipts', id, '--limit', '1', '-q')
    expect(newest.stdout).toBe(`${receipts.items.at(-1).seq}\n`)
    const all = await run('renter', 'receipts', id, '--all', '-q')
    expect(all.stdout.split('\n')).toHaveLength(receipts.items.length + 1)
    const forward = await run('renter', 'forward', id, '0:80')
    expect(forward).toMatchObject({ exitCode: 1, stdout: '' })
    expect(forward.stderr).toContain('the lease has ended: stopped by the renter')
    const shown = json(await run('renter', 'show', id, '--json'))
    expect(shown).toMatchObject({ state: 'SETTLED', settled: receipts.claimed })
    expect(Number(shown.settled)).toBeGreaterThan(0)
    expect((await run('renter', 'exec', id, '--', 'true')).exitCode).toBe(1)
    expect((await run('renter', 'show', 'ffffffff')).exitCode).toBe(3)
    const policy = json(await run('miner', 'policy', '--max-lease', '3m', '--json'))
    expect(policy).toMatchObject({ maxLeaseMs: 180_000, pricePerHour: '3.6' })
    await until(() => run('renter', 'offers', 'duration<0.1'))
    const long = await run('renter', 'rent', '--hours', '0.1')
    expect(long).toMatchObject({ exitCode: 5, stdout: '' })
    if (engine === 'docker') expect(await containersOf(id)).toEqual([])
  })

  test.skipIf(missing)(
    'a miner killed during a command: outcome unknown, then adopted or ended',
    async () => {
      const { run, miner, kill, startMiner, dataDir } = market
      // As it was before its owner asked for short leases.
      expect((await run('miner', 'policy', '--max-lease', '1h')).exitCode).toBe(0)
      await until(() => run('renter', 'offers', 'duration>=0.1'))
      const id = (await run('renter', 'rent', '--hours', '0.1', '-q')).stdout.trim()
      const folder = ['--data-dir', dataDir('renter')]
      const script = 'echo began; sleep 600'
      const running = startCli(['exec', id, ...folder, '--', 'sh', '-c', script])
      let said = ''
      running.stderr!.on('data', (chunk) => {
        said += chunk
      })
      const ended = once(running, 'close')
      expect(await firstLine(running)).toBe('began')
      await kill('miner')
      expect(await ended).toEqual([4, null])
      expect(said).toMatch(/outcome unknown/)
      expect(said).toMatch(/next: compute-node show/)
      await startMiner(miner.port)
      await until(async () => {
        const { health, over } = json(await run('renter', 'show', id, '--json'))
        return { exitCode: over || health === 'ok' ? 0 : 1, stdout: '', stderr: health }
      })
      const { over } = json(await run('renter', 'show', id, '--json'))
      if (!over) {
        expect((await run('renter', 'exec', id, '--', 'echo', 'again')).stdout).toBe('again\n')
        expect((await run('renter', 'stop', id, '-q')).exitCode).toBe(0)
      }
      expect((await run('renter', 'wait', id)).exitCode).toBe(over ? 1 : 0)
      if (engine === 'docker') expect(await containersOf(id)).toEqual([])
    },
  )

  test.skipIf(missing)('a renter hears at once that its miner was stopped', async () => {
    const { run, kill } = market
    await until(() => run('renter', 'offers', 'duration>=0.1'))
    const id = (await run('renter', 'rent', '--hours', '0.1', '-q')).stdout.trim()
    await kill('miner', 'SIGTERM')
    // No miner is there any more that could say it later.
    const shown = json(await run('renter', 'show', id, '--json'))
    expect(shown).toMatchObject({ over: true, state: 'FAILED', ending: 'miner-stopped' })
    expect(shown.settled).toBe(shown.owed)
    if (engine === 'docker') expect(await containersOf(id)).toEqual([])
  })
})

const containersOf = async (lease: string) =>
  (await docker.listContainers({ all: true })).filter(({ Names }) =>
    Names.some((name) => name.includes(lease)),
  )

/** What a test that failed may have left of its miner. */
async function removeContainers(nodeId: string): Promise<void> {
  const left = await docker.listContainers({ all: true, filters: { label: [`cn.node=${nodeId}`] } })
  for (const { Id } of left) await docker.getContainer(Id).remove({ force: true })
}
