// The market as it changes: every offer that matches, then what is added, changed or gone.
//
//   node examples/08-watch-market.ts [QUERY] [CHANGES]      ends after so many; Ctrl-C before that
//
// Prints the network, then a line per change: what became of an offer, its GPUs, its price and the one before.
import { connect, untilInterrupted } from 'compute-node'

const [query = '', most = 'Infinity'] = process.argv.slice(2)

await using node = await connect({ signal: untilInterrupted() })
const { peers, network } = await node.status()
console.log(`${network}, ${peers} peers`)

let left = Number(most)
for await (const change of node.offers.watch({ query })) {
  const { id, dph, gpu_name, num_gpus } = change.offer
  const was = change.kind === 'changed' ? ` (was ${change.before['dph']})` : ''
  console.log(
    `${change.kind.padEnd(7)} ${id.slice(0, 12)} ${num_gpus}x ${gpu_name} at ${dph}${was}`,
  )
  if (--left <= 0) break
}
