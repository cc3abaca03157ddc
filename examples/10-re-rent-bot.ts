// A bot that keeps one lease running: when it ends, for whatever reason, the next one is taken, and never above a price.
// The leases outlive the bot: started again, it finds the one that runs by its label.
//
//   node examples/10-re-rent-bot.ts [MAX PRICE] [LEASES]      Ctrl-C stops the bot, not the lease
import { connect, isNotFound, isRefused, isUnreachable, type Lease } from 'compute-node'

const [maxDph = '1', most = 'Infinity'] = process.argv.slice(2)
const LABELS = { bot: 're-rent' }
const stop = new AbortController()
process.once('SIGINT', () => stop.abort(new Error('the bot was stopped')))
const { signal } = stop

await using node = await connect()

async function current(): Promise<Lease> {
  const running = await node.leases.list({ running: true, signal })
  const known = running.find(({ view }) => view.labels['bot'] === LABELS.bot)
  return known ?? node.rent({ maxDph, hours: 1, labels: LABELS, keep: true, signal })
}

for (let left = Number(most); left > 0; ) {
  try {
    const lease = await current()
    console.log(`${lease.id.slice(0, 12)} runs at ${lease.view.dph} per hour`)
    const { outcome, reason, owed } = await lease.wait({ signal })
    console.log(`${lease.id.slice(0, 12)} ${outcome}: ${reason}; it cost ${owed}`)
    left--
  } catch (error) {
    if (signal.aborted) break
    // Nothing is offered at that price, or a miner said no or is away: the market changes.
    if (!isNotFound(error) && !isRefused(error) && !isUnreachable(error)) throw error
    console.log(`${error.message}: again in a moment`)
    await new Promise((resolve) => setTimeout(resolve, 2000))
  }
}
