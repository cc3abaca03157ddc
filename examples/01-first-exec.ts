// The first command in a lease: takes the cheapest offer, runs something there and gives the lease back.
//
//   node examples/01-first-exec.ts [QUERY]      Ctrl-C gives it back at once
//
// Prints where the lease is and what it costs per hour, what the commands print, and what it cost.
import { connect, untilInterrupted } from 'compute-node'

// The node that the command line would use; see COMPUTE_NODE_DATA_DIR.
await using node = await connect({ signal: untilInterrupted() })
await using lease = await node.rent({
  query: process.argv[2] ?? '',
  hours: 0.1,
  onProgress: (progress) => {
    if (progress.kind === 'starting') console.log(`  ${progress.doing}`)
  },
})
console.log(`lease ${lease.id.slice(0, 12)} at ${lease.view.dph} ${lease.view.asset} per hour`)

console.log(`it is a ${await lease.exec(['uname', '-sm']).text()} machine`)

// Streams are async iterables: what comes is shown as it comes.
const counting = lease.exec(['sh', '-c', 'for i in 1 2 3; do echo "step $i"; done'])
for await (const line of counting.stdout.lines()) console.log(line)
console.log(`exit code ${await counting.exit}`)

const { owed, asset } = await lease.stop()
console.log(`it cost ${owed} ${asset}`)
