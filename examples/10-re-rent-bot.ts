// A bot that keeps one lease running: when it ends, for whatever reason, the next one is taken, and never above a price.
// The leases outlive the bot: started again, it finds the one that runs by its label.
//
//   node examples/10-re-rent-bot.ts [MAX PRICE] [LEASES]      Ctrl-C stops the bot, not the lease
//
// Prints each lease as it begins and how it ended, and why none can be had.
import { setTimeout as sleep } from 'node:timers/promises'
import {
  connect,
  isNotFound,
  isRefused,
  isUnreachable,
  type Lease,
  untilInterrupted,
} from 'compute-node'

const [maxDph = '1', most = 'Infinity'] = process.argv.slice(2)
const LABELS = { bot: 're-rent' }
const signal = untilInterrupted()

await using node = await connect({ signal })

async function current(): Promise<Lease> {
  const running = await node.leases.list({ running: true })
  const known = running.find(({ view }) => view.labels['bot'] === LABELS.bot)
  return known ?? node.rent({ maxDph, hours: 1, labels: LABELS, keep: true })
}

for (let left = Number(most); left > 0 && !signal.aborted; ) {
  try {
    const lease = await current()
    console.log(`${lease.id.slice(0, 12)} runs at ${lease.view.dph} per hour`)
    const { outcome, reason, owed } = await lease.wait()
    console.log(`${lease.id.slice(0, 12)} ${outcome}: ${reason}; it cost ${owed}`)
    left--
  } catch (error) {
    if (signal.aborted) break
    // Nothing is offered at that price, or a miner said no or is away: the market changes.
    if (!isNotFound(error) && !isRefused(error) && !isUnreachable(error)) throw error
    console.log(`${error.message}: again in a moment`)
    await sleep(2000, undefined, { signal }).catch(() => undefined)
  }
}
