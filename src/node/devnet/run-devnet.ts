import { once } from 'node:events'
import { messageOf } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { Config } from '../config.ts'
import { type ControlClient, createControlClient } from '../control/client.ts'
import { devnetLayout } from './layout.ts'
import { takeFolder } from './lock.ts'
import { type Market, startMarket } from './market.ts'
import { narrate } from './narrator.ts'
import { fullRound } from './round.ts'
import type { RoundSummary } from './summary.ts'
import { watchNodes } from './watch.ts'

export interface DevnetOptions {
  readonly root: string
  readonly config: Config
  readonly env: NodeJS.ProcessEnv
  readonly log: Log
  readonly signal: AbortSignal
  /** One line for a person about what happens. */
  readonly say: (line: string) => void
  /** Told of each stage as it begins. */
  readonly onStage: (stage: string) => void
  /** Told once the first round is done; the devnet goes on until `signal` aborts, unless `--once`. */
  readonly onRound: (summary: RoundSummary, market: Market) => void
}

/**
 * Runs a whole market on this machine: starts it, narrates it, does one full round, and (without `--once`) keeps it
 * running until `signal` aborts. Whatever happens, every process it started is stopped before it returns.
 */
export async function runDevnet(options: DevnetOptions): Promise<void> {
  const { root, config, env, log, signal, say, onStage, onRound } = options
  const startedAtMs = Date.now()
  const layout = devnetLayout(root, config.miners, config.validators)
  await using stack = new AsyncDisposableStack()
  stack.use(takeFolder(layout, config.keep))
  const life = new AbortController()
  onStage('start')
  const market = await startMarket({ layout, config, env, log, signal, onStep: say }, stack)
  stack.defer(() => life.abort())

  const clients = new Map(market.nodes.map((node) => [node.member.name, clientOf(node, stack)]))
  const watched = [...clients].map(([name, client]) => ({ name, client }))
  const watch = watchNodes(watched, life.signal, log)
  watch.each(({ member, event }) => {
    const line = narrate(member, event, nameIn(market))
    if (line !== undefined) say(line)
  })
  for (const node of market.nodes) {
    void node.ended.then((how) => {
      if (!life.signal.aborted) say(`${node.member.name.padEnd(12)} ended: ${how}`)
    })
  }
  const round = { market, watch, clients, env, signal, startedAtMs, onStage }
  onRound(await fullRound(round), market)
  if (config.once || signal.aborted) return
  await once(signal, 'abort')
  say('stopping every process')
}

function clientOf(
  { ready }: { ready: Readonly<Record<string, unknown>> },
  stack: AsyncDisposableStack,
): ControlClient {
  return stack.use(createControlClient(String(ready['control'])))
}

/** Members' names for their PeerIds; anything else by its first characters. */
const nameIn =
  ({ nodes }: Market) =>
  (id: unknown): string =>
    nodes.find(({ peerId }) => peerId === id)?.member.name ?? messageOf(id).slice(0, 12)
