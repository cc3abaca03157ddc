// Four GPUs at once: as many leases as are wanted, each with a part of the work. Where too few are free, the rest waits
// in a queue.
//
//   node examples/02-four-gpus.ts [COUNT] [QUERY]      Ctrl-C gives all of them back
//
// Prints the place in the queue of a part that waits, which miner runs each part, and the sum of what they found.
import { type ComputeNode, connect, untilInterrupted } from 'compute-node'

const count = Number(process.argv[2] ?? 4)
const query = process.argv[3] ?? ''

async function part(node: ComputeNode, number: number): Promise<number> {
  await using lease = await node.rent({
    ...{ query, hours: 0.1, waitMs: 600_000 },
    onProgress: (progress) => {
      if (progress.kind === 'queued') console.log(`part ${number} waits: ${progress.position}`)
    },
  })
  console.log(`part ${number} runs at ${lease.view.miner}`)
  // Each part sums its share of the numbers to 4000; a shard of a dataset would be told in the same way.
  const script =
    'sum=0; i=$PART; while [ $i -le 4000 ]; do sum=$((sum + i)); i=$((i + COUNT)); done; echo $sum'
  const env = { PART: String(number), COUNT: String(count) }
  return Number(await lease.exec(['sh', '-c', script], { env }).text())
}

await using node = await connect({ signal: untilInterrupted() })
const parts = await Promise.all(Array.from({ length: count }, (_, index) => part(node, index + 1)))
console.log(`the sum of all parts is ${parts.reduce((sum, one) => sum + one, 0)}`)
