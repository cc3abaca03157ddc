import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { libraryMetrics, metrics } from '../../src/metrics.ts'
import { createControlClient } from '../../src/node/control/client.ts'
import { roundFailure, roundSummary } from '../../src/node/devnet/summary.ts'
import { docker, noDocker } from '../support/docker.ts'
import {
  type Family,
  lint,
  parseExposition,
  shownIn,
  unboundedLabels,
} from '../support/exposition.ts'
import { processesWith } from '../support/processes.ts'
import { endWith, runCli, startCli } from '../support/run-cli.ts'

const noEngine = { DOCKER_HOST: 'unix:///nonexistent' }
const roots: string[] = []
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true })
})

const newRoot = (): string => {
  const root = join(mkdtempSync(join(tmpdir(), 'cn-e2e-devnet-')), 'market')
  roots.push(join(root, '..'))
  return root
}

const MEMBERS = ['relay', 'miner-1', 'miner-2', 'validator-1', 'validator-2', 'renter']

/** What a running process printed so far, and waiting for more. */
function reading(child: ChildProcess) {
  let said = ''
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk
  })
  const errors = text(child.stderr!)
  return {
    said: () => said,
    async until(pattern: RegExp): Promise<string> {
      while (!pattern.test(said)) {
        if (child.exitCode !== null || child.signalCode !== null) {
          throw new Error(`it ended before ${pattern}: ${said}\n${await errors}`)
        }
        await delay(100)
      }
      return said
    },
  }
}

async function untilNone(root: string): Promise<void> {
  while (processesWith(root).length > 0) await delay(100)
}

/** Runs a command as printed, as pasted into another terminal. */
const paste = (hint: string) => runCli(hint.replace('npx compute-node ', '').split(' '))

const socketsIn = (root: string): string[] =>
  MEMBERS.flatMap((name) => readdirSync(join(root, name))).filter((name) => name.endsWith('.sock'))

const peerIdsIn = (said: string): Map<string, string> =>
  new Map([...said.matchAll(/ (\S+) +joined as (\S+)/g)].map(([, name, id]) => [name!, id!]))

const containersOf = async (peerIds: readonly string[]): Promise<number> => {
  const all = await docker.listContainers({ all: true, filters: { label: ['cn.managed=1'] } })
  return all.filter(({ Labels }) => peerIds.includes(Labels['cn.node'] ?? '')).length
}

/** Every row of the table is told by every node, no label names a peer, and what happened in the market was counted. */
async function expectMetrics(root: string): Promise<void> {
  const told = new Map<string, ReadonlyMap<string, Family>>()
  for (const member of MEMBERS) {
    using client = createControlClient(join(root, member, 'control.sock'))
    const families = parseExposition(await client.text('/metrics'))
    const ready = await client.get('/readyz')
    told.set(member, families)
    expect({ member, ready }).toEqual({ member, ready: { ready: true, reasons: [] } })
    const missing = [...Object.keys(metrics), ...Object.keys(libraryMetrics)]
    expect(missing.filter((name) => !families.has(name))).toEqual([])
    expect([...lint(families), ...unboundedLabels(families)]).toEqual([])
    for (const name of moving['every node']!) {
      expect(`${member} ${name} ${Number(shownIn(families, name)) > 0}`).toBe(
        `${member} ${name} true`,
      )
    }
  }
  for (const [member, names] of Object.entries(moving).filter(([of]) => of !== 'every node')) {
    for (const name of names) {
      const all = ['1', '2'].map((n) => told.get(member) ?? told.get(`${member}-${n}`))
      const moved = all.some((families) => Number(shownIn(families!, name)) > 0)
      expect(`${member} ${name} ${moved}`).toBe(`${member} ${name} true`)
    }
  }
}

/** What must have moved once a market made a round, by who shows it. */
const moving: Readonly<Record<string, readonly string[]>> = {
  'every node': [
    'compute_node_peers',
    'compute_node_peers_greeted_total',
    'compute_node_gossip_messages_total',
    'compute_node_gossip_mesh_peers',
    'compute_node_dht_peers',
    'compute_node_rpc_duration_seconds_count',
    'compute_node_offers',
    'compute_node_capabilities',
    'compute_node_disk_free_bytes',
    'libp2p_data_transfer_bytes_total',
    'nodejs_heap_size_used_bytes',
  ],
  miner: [
    'compute_node_gpu_state',
    'compute_node_gpu_filled',
    'compute_node_gpu_fill_seconds_count',
    'compute_node_slots_proved_total',
    'compute_node_slot_prove_seconds_sum',
    'compute_node_lease_requests_total',
    'compute_node_leases_ended_total',
    'compute_node_image_pull_seconds_count',
    'compute_node_billed_total',
    'compute_node_settled_total',
    'compute_node_price_per_hour',
    'compute_node_engine_up',
    'compute_node_devices',
    'compute_node_chain_block',
    'compute_node_chain_bound',
    'compute_node_score',
  ],
  validator: [
    'compute_node_attestations',
    'compute_node_pulse_timestamp_seconds',
    'compute_node_chain_read_timestamp_seconds',
    'compute_node_chain_epoch',
    'compute_node_chain_neurons',
    'compute_node_chain_endpoint_rank',
    'compute_node_slot_gpus',
    'compute_node_slot_coverage_ratio',
    'compute_node_verdicts_total',
    'compute_node_verify_seconds_count',
    'compute_node_scores_computed_total',
    'compute_node_miners_scored',
    'compute_node_weights_set_total',
    'compute_node_weights_set_timestamp_seconds',
  ],
  renter: ['compute_node_paid_total', 'compute_node_spending_today'],
}

test('a market of processes: told as it happens, used from elsewhere, stopped whole, started again as the same peers', async () => {
  const root = newRoot()
  const child = startCli(['devnet', '--data-dir', root], { env: noEngine })
  onTestFinished(() => void endWith(child, 'SIGKILL'))
  const output = reading(child)
  const said = await output.until(/Ctrl-C stops every process/)

  for (const told of [
    /no GPU here: CPU capacity, devnet only/,
    /renter +learned that miner-\d has/,
    /renter +sees an offer of miner-1: .* at 0\.5 DEV an hour/,
    /miner-1 +filled \d+ MiB of cpu-0 in \d+ ms, from pulse \d+/,
    /miner-1 +slot \d+ begins: proves cpu-0 with cpu, 8 MiB resident, n = \d+/,
    /validator-2 +slot \d+: miner-1 is VALID \(\d+ passes, [\d.]+ GB\/s; \d+ steps, [\d.]+ TOPS/,
    /validator-1 +slot \d+: gossiped its report, 2 rows/,
    /validator-1 +scores miner-\d: \d/,
    /validator-\d +set weights in epoch \d+/,
    /runs in process \(no isolation, devnet only\)/,
    /receipt \d+ countersigned/,
    /renter +lease \w+ settled: 0\.\d+ DEV/,
    /about 2.4 GiB of memory/,
  ]) {
    // Scores, for one, are told by whoever computes them, which may be after the round was seen to be whole.
    expect(await output.until(told)).toMatch(told)
  }
  const peerIds = peerIdsIn(said)
  expect([...peerIds.keys()].sort()).toEqual([...MEMBERS].sort())
  expect(processesWith(root).length).toBe(MEMBERS.length + 2) // and the chain, and the one that started all

  const second = await runCli(['devnet', '--data-dir', root])
  expect(second).toMatchObject({ exitCode: 2 })
  expect(second.stderr).toContain(`process ${child.pid}`)
  expect(child.exitCode).toBeNull()

  const hints = [...said.matchAll(/^ {2}(npx compute-node .+)$/gm)].map(([, hint]) => hint!)
  const told = new Map<string, string>()
  for (const hint of hints) {
    const { exitCode, stdout, stderr } = await paste(hint)
    expect({ hint, exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({
      hint,
      exitCode: 0,
      stderr: '',
    })
    told.set(hint.replace(/^npx compute-node --data-dir \S+ (\S+( metagraph)?).*/, '$1'), stdout)
  }
  expect([...told.keys()]).toEqual(
    expect.arrayContaining(['offers', 'rent', 'leases', 'attestations', 'score']),
  )
  expect(told.get('offers')).toContain(peerIds.get('miner-1'))
  expect(told.get('rent')).toBe('hello\n')
  expect(told.get('attestations')).toContain('VALID')
  expect(told.get('chain metagraph')).toContain('yes')
  expect(told.get('chain metagraph')).toMatch(/EMISSION/)

  await expectMetrics(root)

  const explained = async (member: string) => {
    const words = ['score', peerIds.get('miner-1')!, '--explain', '--data-dir', join(root, member)]
    return (await runCli(words)).stdout
  }
  // They compute at their own times: what must be the same is the sum of the same slots, sooner or later.
  const miners = new Set<string>()
  const validators = new Set<string>()
  while (miners.isDisjointFrom(validators)) {
    const [own, checker] = await Promise.all([explained('miner-1'), explained('validator-1')])
    miners.add(own)
    validators.add(checker)
  }
  const [same] = miners.intersection(validators)
  expect(same).toMatch(/TERM +VALUE[\s\S]*= \d+\.\d{6}\n[\s\S]*constants [0-9a-f]{64}/)

  const pids = processesWith(root).map(({ pid }) => pid)
  expect(await endWith(child, 'SIGINT')).toBe(0)
  expect(output.said()).toContain('stopping every process')
  expect(processesWith(root)).toEqual([])
  expect(pids.filter((pid) => processesWith('').some((one) => one.pid === pid))).toEqual([])
  expect(socketsIn(root)).toEqual([])

  const again = await runCli(['devnet', '--once', '--keep', '--json', '--data-dir', root])
  const lastLine = again.stdout.trimEnd().split('\n').at(-1)!
  expect(lastLine).toMatch(/^\{"ok":true,/) // shows what failed, where it did
  expect(again.exitCode).toBe(0)
  const summary = roundSummary.parse(JSON.parse(lastLine))
  expect(summary.peers).toBe(MEMBERS.length)
  expect(summary.capabilities).toBeGreaterThanOrEqual(2)
  expect(summary.offers).toBe(2)
  expect(summary.challenges.map(({ miner, validator }) => `${validator} ${miner}`).sort()).toEqual([
    'validator-1 miner-1',
    'validator-1 miner-2',
    'validator-2 miner-1',
    'validator-2 miner-2',
  ])
  for (const { backend, verdict, ...figures } of summary.challenges) {
    expect({ backend, verdict }).toEqual({ backend: 'cpu', verdict: 'VALID' })
    const { proveMs, verifyMs, bytes, passes, gbps, steps, tops } = figures
    for (const figure of [proveMs, verifyMs, bytes, passes, gbps, steps, tops]) {
      expect(figure).toBeGreaterThan(0)
    }
  }
  expect(summary.attestations).toBeGreaterThanOrEqual(4)
  expect(Object.keys(summary.weights)).toHaveLength(2)
  for (const row of Object.values(summary.weights)) {
    expect(Object.keys(row)).toHaveLength(2)
    expect(Math.max(...Object.values(row))).toBe(65_535)
  }
  expect(summary.lease).toMatchObject({
    id: expect.stringMatching(/^[0-9a-f]{64}$/),
    exitCode: 0,
    stdout: 'hello from Linux\ndone\n',
    settled: true,
  })
  expect(summary.lease.engine).toMatch(
    noDocker ? /^process \(no isolation, devnet only\)$/ : /^docker \d/,
  )
  expect(summary.lease.receipts).toBeGreaterThan(0)
  for (const name of MEMBERS) expect(peerIdOf(root, name)).toBe(peerIds.get(name))
  expect(processesWith(root)).toEqual([])
  expect(socketsIn(root)).toEqual([])
  if (!noDocker) expect(await containersOf([...peerIds.values()])).toBe(0)
}, 400_000)

/** As the devnet's own list of who may connect names it; in the order of the members. */
function peerIdOf(root: string, name: string): string {
  const { peers } = JSON.parse(readFileSync(join(root, name, 'config.json'), 'utf8'))
  return (peers as string[])[MEMBERS.indexOf(name)]!
}

test('a devnet that is killed takes its processes along; one whose chain dies says what failed', async () => {
  const root = newRoot()
  const args = ['devnet', '--once', '--json', '--miners', '1', '--validators', '1']
  const killed = startCli([...args, '--data-dir', root], { env: noEngine })
  onTestFinished(() => void endWith(killed, 'SIGKILL'))
  while (!processesWith(root).some((one) => one.commandLine.includes('--role'))) await delay(50)
  await endWith(killed, 'SIGKILL')
  await untilNone(root)

  const failing = startCli([...args, '--data-dir', root], { env: noEngine })
  onTestFinished(() => void endWith(failing, 'SIGKILL'))
  const output = reading(failing)
  while (!processesWith(root).some((one) => one.commandLine.includes('--role'))) await delay(50)
  const chain = processesWith(root).find((one) => one.commandLine.includes('chain dev'))!
  process.kill(chain.pid, 'SIGKILL')
  while (failing.exitCode === null) await delay(100)
  expect(failing.exitCode).toBe(1)
  const failure = roundFailure.parse(JSON.parse(output.said().trimEnd().split('\n').at(-1)!))
  expect(failure).toMatchObject({
    stage: 'start',
    error: { code: 'FAILED_PROCESS_ENDED', message: 'chain ended: SIGKILL' },
  })
  await untilNone(root)
}, 120_000)
