import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import type { AttestationRow, ScoreDetail, ScoreRow } from '../../src/api/scores.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { fillRoundOf } from '../../src/gpu/slot-schedule.ts'
import { silent } from '../../src/log.ts'
import type { Node } from '../../src/node/devnet/market.ts'
import { createWatch } from '../../src/node/devnet/watch.ts'
import type { NodeEvent } from '../../src/node/events.ts'
import { clientOf, startProcessMarket } from '../support/process-market.ts'
import { runCli } from '../support/run-cli.ts'

/** How miner-2 and those after it cheat, and what a validator signs about each. */
const cheats = [
  ['corrupt', 'BAD_PATH'],
  ['silent', 'LATE_COMMIT'],
  ['elsewhere', 'BAD_VALUE'],
] as const

/** The validator that calls everything VALID; it has a third of the stake. */
const LIAR = 'validator-3'

/**
 * What nine processes on a busy machine may cost a miner in a slot, whether it cheats or not; tolerated because all
 * three rest on what arrived when, and a slot of a local network is 12 s. A process that gets no turn for a whole window
 * is SILENT; a Final that comes a second late is a LATE_COMMIT; openings that take longer than 7 s are UNAVAILABLE.
 */
const SLOW = ['SILENT', 'LATE_COMMIT', 'UNAVAILABLE']

/**
 * Whether a miner had a right to be in a slot that it began. NO_WORK says that it was there in time and did nothing: one
 * that holds the slot's fill, or made its last one in time, got no turn for the second of one kind of work; any other
 * should not have been there.
 */
function wasReady(own: readonly NodeEvent[], slot: number): boolean {
  const { epoch, roundMs } = slotNetworks.local
  const begun = own.find(({ event, slot: of }) => event === 'slot-started' && of === slot)
  if (begun === undefined) return false
  const last = own.filter(({ event, atMs }) => event === 'gpu-filled' && atMs <= begun.atMs).at(-1)
  const isHeld = last?.['round'] === fillRoundOf(slotNetworks.local, slot)
  return isHeld || Number(last?.['fillMs']) <= epoch.fillRounds * roundMs
}

/** What happens in nodes from their first event on, by PeerId. */
function followAll(nodes: readonly Node[]): ReadonlyMap<string, readonly NodeEvent[]> {
  const life = new AbortController()
  onTestFinished(() => life.abort())
  const happened = new Map(nodes.map(({ peerId }) => [peerId, [] as NodeEvent[]]))
  const watch = createWatch(life.signal, silent)
  watch.each(({ member, event }) => void happened.get(member)?.push(event))
  for (const node of nodes) watch.follow(node.peerId, clientOf(node))
  return happened
}

/** What a command lists, asked of a running node. */
async function list<Row>({ member }: Node, ...words: string[]): Promise<Row[]> {
  const { stdout } = await runCli([...words, '--json', '--data-dir', member.dataDir])
  return (JSON.parse(stdout) as { items: Row[] }).items
}

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (const endMs = Date.now() + 180_000; Date.now() < endMs; await delay(2000)) {
    const found = await look()
    if (found !== undefined) return found
  }
  throw new Error(`never happened: ${what}`)
}

test('miners that cheat get signed verdicts with their reasons, no score and no weight, though a validator vouches for them; the honest one beside them gets all', {
  timeout: 400_000,
}, async () => {
  const [program, liars] = ['cheating-miner.ts', 'lying-validator.ts'].map((file) =>
    join(import.meta.dirname, '../support', file),
  ) as [string, string]
  const market = await startProcessMarket({
    miners: 1 + cheats.length,
    validators: 3,
    programOf({ role, name }) {
      if (name === LIAR) return [liars, 'vouches-for-all']
      const cheat = role === 'miner' ? cheats[Number(name.split('-')[1]) - 2] : undefined
      return cheat === undefined ? undefined : [program, cheat[0]]
    },
  })
  const validators = [market.named('validator-1'), market.named('validator-2')] as const
  const liar = market.named(LIAR)
  const honest = market.named('miner-1')
  const expected = new Map([
    [honest.peerId, 'VALID'],
    ...cheats.map(([, verdict], i) => [market.named(`miner-${i + 2}`).peerId, verdict] as const),
  ])

  const happened = followAll(market.nodes.filter(({ member }) => member.role === 'miner'))

  // What one validator knows of both: its own word and, by gossip, the other's. A slot that a busy machine was too
  // slow for says nothing; one where both heard it must come for each miner.
  const rows = await until('every miner was heard by both validators in one slot', async () => {
    const known = await list<AttestationRow>(validators[0], 'attestations')
    const wasHeard = ([miner, verdict]: [string, string]): boolean => {
      const about = known.filter((row) => row.miner === miner && row.verdict === verdict)
      return about.some(({ slot }) =>
        validators.every(({ peerId }) =>
          about.some((row) => row.slot === slot && row.validator === peerId),
        ),
      )
    }
    return [...expected].every(wasHeard) ? known : undefined
  })
  for (const row of rows) {
    const { miner, validator, verdict, equivocated } = row
    if (validator === liar.peerId) continue
    const told = JSON.stringify(row)
    const starved = wasReady(happened.get(miner)!, row.slot) ? ['NO_WORK'] : []
    const codes = [expected.get(miner), ...SLOW, ...starved]
    if (verdict !== null) expect(codes, told).toContain(verdict)
    expect(equivocated, told).toBe(false)
  }

  const scores = await until('a score of every miner', async () => {
    const known = await list<ScoreRow>(validators[0], 'score')
    const whole = [...expected.keys()].every((miner) => known.some((s) => s.miners.includes(miner)))
    return whole && known[0]!.score > 0 ? known : undefined
  })
  expect(scores[0]!.miners).toEqual([honest.peerId])
  for (const { score, weight, reason, miners } of scores.slice(1)) {
    expect({ score, weight }).toEqual({ score: 0, weight: 0 })
    // Of a slot that one of the two validators did not hear (yet), nobody says anything: it is unknown, and says no lie.
    // The other has a third of the stake, and the liar's third may stand against it: neither is more than half. With a
    // few slots in all, one that is unknown is more than the share that may be.
    const others = [...SLOW, 'OPENINGS_MISSING', 'UNKNOWN_EXCESS']
    expect([expected.get(miners[0]!), ...others]).toContain(reason)
  }

  // Its VALID of a false value convicts it: what it said of that slot counts for nothing.
  await until('the liar is convicted', async () => {
    const { member } = validators[0]
    const words = ['score', honest.peerId, '--explain', '--json', '--data-dir', member.dataDir]
    const { ignored } = JSON.parse((await runCli(words)).stdout) as ScoreDetail
    return ignored.find(({ reason }) => reason === 'CONVICTED')
  })

  const { neurons } = await market.chain.metagraph(market.net.netuid)
  const uidOf = ({ hotkey }: Node) => neurons.find((one) => one.hotkey === hotkey)!.uid
  const weights = await until('weights of both validators', async () => {
    const set = await market.chain.weights(market.net.netuid)
    const rows = validators.map((one) => new Map(set.get(uidOf(one)) ?? []))
    return rows.every((row) => row.size > 0) ? rows : undefined
  })
  for (const row of weights) {
    expect([...row].filter(([, weight]) => weight > 0)).toEqual([[uidOf(honest), 65_535]])
  }
})
