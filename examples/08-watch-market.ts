// The market as it changes: every offer that matches, then what is added, changed or gone.
//
//   node examples/08-watch-market.ts [QUERY] [CHANGES]      ends after so many; Ctrl-C before that
import { connect } from 'compute-node'

const [query = '', most = 'Infinity'] = process.argv.slice(2)
const stop = new AbortController()
process.once('SIGINT', () => stop.abort())

await using node = await connect()
const { peers, network } = await node.status()
console.log(`${network}, ${peers} peers`)

let left = Number(most)
for await (const change of node.offers.watch({ query, signal: stop.signal })) {
  const { id, dph, gpu_name, num_gpus } = change.offer
  const was = change.kind === 'changed' ? ` (was ${change.before['dph']})` : ''
  console.log(
    `${change.kind.padEnd(7)} ${id.slice(0, 12)} ${num_gpus}x ${gpu_name} at ${dph}${was}`,
  )
  if (--left <= 0) break
}
