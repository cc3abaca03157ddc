import type { AttestationRow } from '../../api/scores.ts'
import type { Chain } from '../../chain/chain.ts'
import { sleep } from '../../clock.ts'
import { NodeError } from '../../errors.ts'
import { minutesMs, secondsMs } from '../../units.ts'
import type { ControlClient } from '../control/client.ts'
import { allOrNone } from './all-or-none.ts'
import type { Market, Node } from './market.ts'
import { inStage } from './stage.ts'
import type { ChallengeSummary, LeaseSummary, RoundSummary } from './summary.ts'
import { takeLease } from './take-lease.ts'
import { type Happening, ROUND_ADVICE, type Watch } from './watch.ts'

export interface RoundOptions {
  readonly market: Market
  readonly watch: Watch
  /** The renter's control client. */
  readonly client: ControlClient
  readonly env: NodeJS.ProcessEnv
  /** Aborts with the reason when a process of the market ends. */
  readonly signal: AbortSignal
  readonly startedAtMs: number
  /** Told of each stage as it begins. */
  readonly onStage: (stage: string) => void
}

// Many times what an idle machine takes: one that does other work too shall have its round, if a late one.
const OFFERS_MS = minutesMs(3)
const SLOT_MS = minutesMs(5)
const TESTIMONY_MS = minutesMs(3)
const WEIGHTS_MS = minutesMs(3)
const LOOK_MS = 250
/** A starved processor may do no work in one window: so long (two slots) a later verdict is waited for. */
const SECOND_CHANCE_MS = secondsMs(28)

/**
 * Waits for one full round of a market: a lease taken from its offers and settled, and meanwhile every miner checked
 * by every validator, their testimony known to the renter, and weights that follow from it on the chain.
 * @throws StageFailure
 */
export async function fullRound(options: RoundOptions): Promise<RoundSummary> {
  const { client, signal, startedAtMs } = options
  const [lease, proofs] = await allOrNone<[LeaseSummary, Proofs]>(signal, [
    (life) => offersThenLease({ ...options, signal: life }),
    (life) => proofsThenWeights({ ...options, signal: life }),
  ])
  const count = async (what: string): Promise<number> =>
    (await client.get<{ items: unknown[] }>(`/v1/${what}`)).items.length
  return {
    ok: true,
    peers: (await count('peers')) + 1,
    capabilities: await count('capabilities'),
    offers: await count('offers'),
    ...proofs,
    lease,
    elapsedMs: Date.now() - startedAtMs,
  }
}

async function offersThenLease(options: RoundOptions): Promise<LeaseSummary> {
  const { market, watch, client, env, signal, onStage } = options
  const miners = nodesOf(market, 'miner')
  const [renter] = nodesOf(market, 'renter')
  onStage('offers')
  const seen = (all: readonly Happening[], { peerId }: Node): boolean =>
    all.some(
      ({ member, event }) =>
        member === renter!.member.name && event.event === 'offer-seen' && event['peer'] === peerId,
    )
  await inStage('offers', () =>
    watch.until(
      'an offer of every miner at the renter',
      OFFERS_MS,
      (all) => miners.every((miner) => seen(all, miner)) || undefined,
      signal,
    ),
  )
  onStage('lease')
  const { dataDir } = renter!.member
  return inStage('lease', () => takeLease({ dataDir, client, env, signal }))
}

type Proofs = Pick<RoundSummary, 'challenges' | 'attestations' | 'weights'>

async function proofsThenWeights(options: RoundOptions): Promise<Proofs> {
  const { market, watch, client, signal, onStage } = options
  const miners = nodesOf(market, 'miner')
  const validators = nodesOf(market, 'validator')
  onStage('challenge')
  const challenges = await inStage('challenge', () =>
    watch.until(
      'a verdict on every miner by every validator',
      SLOT_MS,
      settledVerdicts((all) => challengesOf(all, miners, validators)),
      signal,
    ),
  )
  onStage('attestations')
  const attestations = await inStage('attestations', () =>
    until('testimony of every validator on every miner at the renter', TESTIMONY_MS, signal, () =>
      countTestimony(client, miners, validators),
    ),
  )
  onStage('weights')
  const valid = miners.filter(({ member }) =>
    challenges.every(({ miner, verdict }) => miner !== member.name || verdict === 'VALID'),
  )
  const weights = await inStage('weights', () =>
    until('weights of every validator on every honest miner', WEIGHTS_MS, signal, () =>
      weightsOf(market, validators, valid),
    ),
  )
  return { challenges, attestations, weights }
}

const nodesOf = ({ nodes }: Market, role: Node['member']['role']): Node[] =>
  nodes.filter(({ member }) => member.role === role)

/** Looks again and again until there is something. @throws FAILED_DEVNET naming `what` */
async function until<T>(
  what: string,
  ms: number,
  signal: AbortSignal,
  look: () => Promise<T | undefined>,
): Promise<T> {
  const giveUpAtMs = Date.now() + ms
  for (;;) {
    signal.throwIfAborted()
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() > giveUpAtMs) {
      throw new NodeError('FAILED_DEVNET', `${what} did not come within ${ms / 1000} s`, {
        next: ROUND_ADVICE,
      })
    }
    await sleep(LOOK_MS, signal)
  }
}

/** Holds back verdicts that are not all VALID for a while: what stands then is told as it is. */
function settledVerdicts(
  find: (all: readonly Happening[]) => ChallengeSummary[] | undefined,
): typeof find {
  let untilMs: number | undefined
  return (all) => {
    const found = find(all)
    if (found === undefined || found.every(({ verdict }) => verdict === 'VALID')) return found
    untilMs ??= Date.now() + SECOND_CHANCE_MS
    return Date.now() < untilMs ? undefined : found
  }
}

/** The newest verdict of every validator on every miner; undefined while one is missing. */
function challengesOf(
  all: readonly Happening[],
  miners: readonly Node[],
  validators: readonly Node[],
): ChallengeSummary[] | undefined {
  const pairs = validators.flatMap((validator) => miners.map((miner) => ({ validator, miner })))
  const found = pairs.flatMap(({ validator, miner }): ChallengeSummary[] => {
    const last = all.findLast(
      ({ member, event }) =>
        member === validator.member.name &&
        event.event === 'slot-verdict' &&
        event['miner'] === miner.peerId,
    )
    if (last === undefined) return []
    const { event } = last
    return [
      {
        miner: miner.member.name,
        validator: validator.member.name,
        backend: String(event['backend']),
        verdict: String(event['verdict']),
        proveMs: Number(event['proveMs']),
        verifyMs: Number(event['verifyMs']),
        bytes: Number(event['bytes']),
        passes: Number(event['passes']),
        gbps: Number(event['gbps']),
        steps: Number(event['steps']),
        tops: Number(event['tops']),
      },
    ]
  })
  return found.length === pairs.length ? found : undefined
}

/** Rows with count and verdict, once the renter knows one of every validator on every miner. */
async function countTestimony(
  client: ControlClient,
  miners: readonly Node[],
  validators: readonly Node[],
): Promise<number | undefined> {
  const { items } = await client.get<{ items: AttestationRow[] }>('/v1/attestations?limit=5000')
  const whole = items.filter(({ steps, verdict }) => steps !== null && verdict !== null)
  const known = new Set(whole.map(({ validator, miner }) => `${validator}/${miner}`))
  const all = validators.every((validator) =>
    miners.every((miner) => known.has(`${validator.peerId}/${miner.peerId}`)),
  )
  return all ? whole.length : undefined
}

/** The weights on the chain, once every validator gave some to every honest miner. */
async function weightsOf(
  { chain, net }: Market,
  validators: readonly Node[],
  honest: readonly Node[],
): Promise<RoundSummary['weights'] | undefined> {
  const uids = await uidsOf(chain, net.netuid)
  const rows = new Map(
    [...(await chain.weights(net.netuid))].map(([uid, row]) => [uid, new Map(row)]),
  )
  const given = ({ hotkey }: Node): ReadonlyMap<number, number> | undefined =>
    rows.get(uids.get(hotkey!) ?? -1)
  const done = validators.every((validator) => {
    const row = given(validator)
    return (
      row !== undefined &&
      row.size > 0 &&
      honest.every(({ hotkey }) => (row.get(uids.get(hotkey!) ?? -1) ?? 0) > 0)
    )
  })
  if (!done) return undefined
  const filled = [...rows].filter(([, row]) => row.size > 0)
  return Object.fromEntries(filled.map(([uid, row]) => [String(uid), Object.fromEntries(row)]))
}

async function uidsOf(chain: Chain, netuid: number): Promise<Map<string, number>> {
  const { neurons } = await chain.metagraph(netuid)
  return new Map(neurons.map(({ hotkey, uid }) => [hotkey, uid]))
}
