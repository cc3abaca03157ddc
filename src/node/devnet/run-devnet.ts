import { once } from 'node:events'
import { join } from 'node:path'
import { messageOf, NodeError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { Config } from '../config.ts'
import { createControlClient } from '../control/client.ts'
import { type SignInLink, signInLink } from '../control/sign-in-link.ts'
import type { Child } from './child.ts'
import { devnetLayout } from './layout.ts'
import { takeFolder } from './lock.ts'
import { type Market, type Node, startMarket } from './market.ts'
import { minerDevices } from './miner-devices.ts'
import { createNarrator } from './narrator.ts'
import { fullRound } from './round.ts'
import { StageFailure } from './stage.ts'
import type { RoundSummary } from './summary.ts'
import { createWatch } from './watch.ts'

export interface DevnetOptions {
  readonly root: string
  readonly config: Config
  readonly env: NodeJS.ProcessEnv
  readonly log: Log
  readonly signal: AbortSignal
  /** One line for a person about what happens. */
  readonly say: (line: string) => void
  /** Told once the folder is this devnet's, before anything starts. */
  readonly onTaken: () => void
  /** Told of each stage as it begins. */
  readonly onStage: (stage: string) => void
  /**
   * Told once the first round is done, with a link into the renter's console; the devnet goes on until `signal` aborts,
   * unless `--once`.
   */
  readonly onRound: (summary: RoundSummary, market: Market, link?: SignInLink) => void
}

/**
 * Runs a whole market on this machine: starts it, narrates it, does one full round, and (without `--once`) keeps it
 * running until `signal` aborts. Whatever happens, every process it started is stopped before it returns.
 * @throws StageFailure when the round fails, also because one of its processes ended; what fails to start as it is
 */
export async function runDevnet(options: DevnetOptions): Promise<void> {
  const { root, config, env, log, signal, say, onStage, onRound } = options
  const startedAtMs = Date.now()
  const layout = devnetLayout(root, config.miners, config.validators)
  await using stack = new AsyncDisposableStack()
  stack.use(await takeFolder(layout, config.keep, signal))
  options.onTaken()
  const life = new AbortController()
  const watch = createWatch(life.signal, log)
  const names = new Map<string, string>()
  const narrate = createNarrator()
  watch.each(({ member, event }) => {
    const line = narrate(member, event, (id) => names.get(String(id)) ?? messageOf(id).slice(0, 12))
    if (line !== undefined) say(line)
  })
  const tell = (name: string, text: string): void => say(`${name.padEnd(12)} ${text}`)
  const onStop = (): void => say('stopping every process')
  signal.addEventListener('abort', onStop, { once: true })
  const losses = watchChildren({ root, signal, tell })
  const onNode = (node: Node): void => {
    const { name } = node.member
    names.set(node.peerId, name)
    tell(name, `joined as ${node.peerId} (process ${node.pid})`)
    watch.follow(name, clientOf(node))
  }
  const clientOf = ({ ready }: Node) => stack.use(createControlClient(String(ready['control'])))

  try {
    onStage('start')
    const { devices, why } = await minerDevices(config, losses.signal)
    if (why !== undefined) say(why)
    const starting = {
      layout,
      config: { ...config, devices },
      env,
      log,
      signal: losses.signal,
      onStep: say,
      onNode,
    }
    const market = await startMarket({ ...starting, onReady: losses.add }, stack)
    const renter = market.nodes.find(({ member }) => member.role === 'renter')!
    const round = { market, watch, client: clientOf(renter), env, startedAtMs, onStage }
    const summary = await fullRound({ ...round, signal: losses.signal })
    if (config.once) return onRound(summary, market)
    onRound(summary, market, await signInLink(round.client))
    if (signal.aborted) return
    await once(signal, 'abort')
  } catch (error) {
    throw losses.causeOf(error)
  } finally {
    life.abort() // what nodes tell while they are being stopped is no news
  }
}

interface Losses {
  /** Aborts with `signal`, or with an error that names the first process that ended by itself. */
  readonly signal: AbortSignal
  readonly add: (child: Child) => void
  /** What an error comes from: the end of `signal`, or the loss of a process, if there was one. */
  readonly causeOf: (error: unknown) => unknown
}

/** Tells of processes that end without having been told to. */
function watchChildren(options: {
  readonly root: string
  readonly signal: AbortSignal
  readonly tell: (name: string, text: string) => void
}): Losses {
  const { root, signal, tell } = options
  const lost = new AbortController()
  const add = ({ name, ended, wasStopped }: Child): void => {
    void ended.then((how) => {
      if (wasStopped()) return
      tell(name, `ended: ${how}`)
      const next = `read ${join(root, name, 'node.log')}`
      lost.abort(new NodeError('FAILED_PROCESS_ENDED', `${name} ended: ${how}`, { next }))
    })
  }
  const causeOf = (error: unknown): unknown => {
    if (!signal.aborted && !lost.signal.aborted) return error
    const { reason } = signal.aborted ? signal : lost.signal
    return error instanceof StageFailure ? new StageFailure(error.stage, reason) : reason
  }
  return { signal: AbortSignal.any([signal, lost.signal]), add, causeOf }
}
