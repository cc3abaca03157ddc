// A budget: whatever this program rents, all its leases together can never cost more. A lease counts with all that it can
// cost while it runs, later with what it did.
//
//   node examples/07-budget.ts [BUDGET] [HOURS]      Ctrl-C gives all of them back
//
// Prints what each lease can cost, until one is refused and why; then what a price that nobody asks for gives.
import { connect, isRefused, untilInterrupted } from 'compute-node'

const [budget = '0.08', hours = '0.1'] = process.argv.slice(2)

await using node = await connect({ budget, signal: untilInterrupted() })
await using stack = new AsyncDisposableStack()
for (let number = 1; ; number++) {
  try {
    const lease = stack.use(await node.rent({ hours: Number(hours) }))
    const { cap, asset } = lease.view
    console.log(`lease ${number} can cost ${cap} ${asset}`)
  } catch (error) {
    if (!isRefused(error)) throw error
    console.log(`lease ${number} is refused: ${error.message}`)
    break
  }
}

// Caps of one lease and of a day, and a price per hour, can be set besides.
const refused = await node.rent({ maxDph: '0.0001' }).catch((error: unknown) => error)
console.log(refused instanceof Error ? refused.message : 'somebody is very cheap')
