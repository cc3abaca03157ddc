import type { Chain } from '../../chain/chain.ts'
import { sleep } from '../../clock.ts'
import { NodeError } from '../../errors.ts'
import { secondsMs } from '../../units.ts'
import type { ControlClient } from '../control/client.ts'
import type { LeaseView } from '../leases/lease-view.ts'
import type { Market, Node } from './market.ts'
import { runCommand } from './run-command.ts'
import type { ChallengeSummary, LeaseSummary, RoundSummary } from './summary.ts'
import type { Happening, Watch } from './watch.ts'

export interface RoundOptions {
  readonly market: Market
  readonly watch: Watch
  /** A control client per node, by name. */
  readonly clients: ReadonlyMap<string, ControlClient>
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  readonly startedAtMs: number
  /** Told of each stage before it begins; the last one told of is where a round failed. */
  readonly onStage: (stage: string) => void
}

/** What the renter runs: long enough for receipts to be exchanged while it does. */
const LEASE_COMMAND = ['sh', '-c', 'echo "hello from $(uname -s)"; sleep 3; echo done']
const SLOT_MS = secondsMs(90)
const WEIGHTS_MS = secondsMs(60)

/**
 * Waits for one full round of a market: every offer seen, a lease taken and settled, every miner checked by every
 * validator, and weights of every validator on the chain. @throws what failed, with the stage last told of
 */
export async function fullRound(options: RoundOptions): Promise<RoundSummary> {
  const { market, watch, clients, onStage, startedAtMs } = options
  const { nodes } = market
  const miners = nodes.filter(({ member }) => member.role === 'miner')
  const validators = nodes.filter(({ member }) => member.role === 'validator')
  const renter = nodes.find(({ member }) => member.role === 'renter')!
  const client = clients.get(renter.member.name)!

  onStage('offers')
  await watch.until('an offer of every miner at the renter', secondsMs(60), (all) =>
    miners.every(({ peerId }) => sees(all, renter, 'offer-seen', peerId)) ? true : undefined,
  )
  onStage('lease')
  const lease = await takeLease(renter, client, options)
  onStage('challenge')
  const challenges = await watch.until(
    'a verdict on every miner by every validator',
    SLOT_MS,
    (all) => challengesOf(all, miners, validators),
  )
  onStage('attestations')
  const attestations = await watch.until('a report of every validator', SLOT_MS, (all) => {
    const seen = all.filter(({ event }) => event.event === 'report-gossiped')
    const heard = new Set(seen.map(({ member }) => member))
    return validators.every(({ member }) => heard.has(member.name)) ? seen.length : undefined
  })
  onStage('weights')
  const weights = await weightsOf(market, validators.length, options.signal)
  const { items: peers } = await client.get<{ items: unknown[] }>('/v1/peers')
  const { items: offers } = await client.get<{ items: unknown[] }>('/v1/offers')
  const { items: capabilities } = await client.get<{ items: unknown[] }>('/v1/capabilities')
  return {
    ok: true,
    peers: peers.length + 1,
    capabilities: capabilities.length,
    offers: offers.length,
    challenges,
    attestations,
    weights,
    lease,
    elapsedMs: Date.now() - startedAtMs,
  }
}

const sees = (all: readonly Happening[], who: Node, event: string, peer: string): boolean =>
  all.some(
    (one) =>
      one.member === who.member.name && one.event.event === event && one.event['peer'] === peer,
  )

/** The newest verdict of every validator on every miner; undefined while one is missing. */
function challengesOf(
  all: readonly Happening[],
  miners: readonly Node[],
  validators: readonly Node[],
): ChallengeSummary[] | undefined {
  const found: ChallengeSummary[] = []
  for (const validator of validators) {
    for (const miner of miners) {
      const last = all.findLast(
        ({ member, event }) =>
          member === validator.member.name &&
          event.event === 'slot-verdict' &&
          event['miner'] === miner.peerId,
      )
      if (last === undefined) return undefined
      const { event } = last
      found.push({
        miner: miner.member.name,
        validator: validator.member.name,
        backend: String(event['backend']),
        verdict: String(event['verdict']),
        proveMs: Number(event['proveMs']),
        verifyMs: Number(event['verifyMs']),
        bytes: Number(event['bytes']),
      })
    }
  }
  return found
}

/** Rents by the command line, as a person would, and tells what came of it. */
async function takeLease(
  renter: Node,
  client: ControlClient,
  { env, signal }: RoundOptions,
): Promise<LeaseSummary> {
  const args = ['rent', 'gpu_name=CPU', '--data-dir', renter.member.dataDir, '--hours', '0.1']
  const result = await runCommand([...args, '--', ...LEASE_COMMAND], { env, signal })
  if (result.exitCode !== 0) {
    const why = result.stderr.trim().split('\n').slice(-2).join(' ')
    throw new NodeError('FAILED_LEASE', `rent ended with ${result.exitCode}: ${why}`)
  }
  const { items } = await client.get<{ items: LeaseView[] }>('/v1/leases')
  const id = items[0]?.id ?? ''
  const settled = await untilSettled(client, id, signal)
  return {
    id,
    engine: settled.engine ?? '',
    exitCode: result.exitCode,
    stdout: result.stdout,
    receipts: settled.receipts,
    settled: settled.settled !== null,
  }
}

async function untilSettled(
  client: ControlClient,
  id: string,
  signal: AbortSignal,
): Promise<LeaseView> {
  const giveUpAtMs = Date.now() + secondsMs(30)
  for (;;) {
    const lease = await client.get<LeaseView>(`/v1/leases/${id}`)
    if (lease.settled !== null || Date.now() > giveUpAtMs) return lease
    await sleep(200, signal)
  }
}

/** The weights of all validators as the chain holds them. */
async function weightsOf(
  { chain, net }: Market,
  validators: number,
  signal: AbortSignal,
): Promise<RoundSummary['weights']> {
  const giveUpAtMs = Date.now() + WEIGHTS_MS
  for (;;) {
    const rows = await readWeights(chain, net.netuid)
    if (Object.keys(rows).length >= validators) return rows
    if (Date.now() > giveUpAtMs) {
      throw new NodeError('FAILED_WEIGHTS', `weights of every validator did not reach the chain`)
    }
    await sleep(500, signal)
  }
}

async function readWeights(chain: Chain, netuid: number): Promise<RoundSummary['weights']> {
  const rows = [...(await chain.weights(netuid))].filter(([, row]) => row.length > 0)
  return Object.fromEntries(rows.map(([uid, row]) => [String(uid), Object.fromEntries(row)]))
}
