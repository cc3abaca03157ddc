// A model behind an HTTP port: vLLM runs as the lease's main process, and its port becomes a local one.
//
//   node examples/05-vllm.ts [MODEL] [IMAGE]      Ctrl-C ends it
//
// Prints the local address, and which model answers there; what the server printed where it fails.
import { connect, type Lease, untilInterrupted } from 'compute-node'

const [model = 'Qwen/Qwen2.5-0.5B-Instruct', image = 'vllm/vllm-openai'] = process.argv.slice(2)
const PORT = 8000

await using node = await connect({ signal: untilInterrupted() })
await using lease = await node.rent({
  image,
  command: ['vllm', 'serve', model, '--host', '127.0.0.1', '--port', String(PORT)],
  query: process.env['QUERY'] ?? '',
  hours: 0.5,
})
using forwarded = await lease.ports.forward(PORT)
console.log(`${model} answers at ${forwarded.url}`)

const answer = await firstAnswer(lease, `${forwarded.url}/v1/models`)
console.log(`it serves ${answer.data.map(({ id }) => id).join(', ')}`)

/** It loads its weights first. When it ends instead, what it printed tells why. */
async function firstAnswer(of: Lease, url: string): Promise<{ data: { id: string }[] }> {
  for (;;) {
    const response = await fetch(url).catch(() => undefined)
    if (response?.ok === true) return (await response.json()) as { data: { id: string }[] }
    if ((await of.refresh()).over) {
      for await (const { text } of of.logs({ tail: 20 })) process.stderr.write(text)
      throw new Error('it ended before it answered')
    }
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}
