import type { ControlClient } from '../control/client.ts'
import type { NodeEvent } from '../events.ts'
import { type Output, printable } from '../output.ts'
import type { CommandContext } from './command.ts'
import { etaText } from './eta-text.ts'

/** What is told of an order before it is granted. */
const told: ReadonlySet<string> = new Set(['offer-not-taken', 'queue-place'])

/**
 * Tells a person at a terminal what happens to an order until `signal` aborts: which offers could not be had, and its
 * place in a queue. With `--json` and `--wait` each is a line of JSON; in a pipe nothing is said.
 */
export async function tellOrder(
  client: ControlClient,
  order: string,
  { config }: Pick<CommandContext, 'config'>,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const event of client.events(signal)) {
      if (event['order'] !== order || !told.has(event.event)) continue
      const { order: _, atMs: __, ...line } = event
      if (config.json && config.wait !== undefined) output.event(line, () => '')
      else output.progress(wordsOf(event))
    }
  } catch (error) {
    // The order itself fails with what is wrong with the node: this only tells of it.
    output.progress(`what happens meanwhile cannot be told: ${printable(error)}`)
  }
}

const short = (peer: unknown): string => printable(peer).slice(0, 16)

function wordsOf(event: NodeEvent): string {
  const miner = short(event['miner'])
  if (event.event === 'offer-not-taken') {
    return `${miner}…: ${printable(event['reason'])}; trying another`
  }
  const { position, waiting, etaMs } = event
  if (position === 0) return `it is our turn at ${miner}…`
  const eta = typeof etaMs === 'number' ? `in about ${etaText(etaMs)}` : 'nobody can tell when'
  return `waiting at ${miner}…: place ${position} of ${waiting}, ${eta} (Ctrl-C leaves)`
}
