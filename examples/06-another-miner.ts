// Machines fail: when one is lost in the middle of a job, the job goes to another miner. Only do this with jobs that may
// run twice: of a connection that broke nobody knows whether the command had ended.
//
//   node examples/06-another-miner.ts [COMMAND…]      Ctrl-C gives the lease back
//
// Prints which miner runs the job, each that was lost, and what the job printed.
import { connect, isUnreachable, untilInterrupted } from 'compute-node'

const job = process.argv.length > 2 ? process.argv.slice(2) : ['sh', '-c', 'sleep 5; echo done']

await using node = await connect({ signal: untilInterrupted() })
const lost: string[] = []
for (;;) {
  // The node itself goes on to the next offer while nothing is agreed; afterwards it is this program's turn.
  const query = lost.map((miner) => `host_id!=${miner}`).join(' ')
  await using lease = await node.rent({ query, hours: 0.1, waitMs: 600_000 })
  const { miner } = lease.view
  console.log(`runs at ${miner}`)
  try {
    console.log(await lease.exec(job).text())
    break
  } catch (error) {
    if (!isUnreachable(error)) throw error
    // Nobody is there to be told that it ends. What is not countersigned is not paid: a miner that is gone earns nothing.
    lease.keep()
    console.log(`${miner} was lost (${error.code}): trying another`)
    lost.push(miner)
  }
}
