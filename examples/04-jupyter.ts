// A notebook in a lease, in this machine's browser: no published port, and the token never leaves the connection.
//
//   node examples/04-jupyter.ts [IMAGE]      Ctrl-C ends it
//
// Prints the address to open once the notebook answers there.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, untilInterrupted } from 'compute-node'

const PORT = 8888
const signal = untilInterrupted()

await using node = await connect({ signal })
await using lease = await node.rent({
  image: process.argv[2] ?? 'jupyter/base-notebook',
  query: process.env['QUERY'] ?? '',
  hours: 2,
})

const token = randomBytes(24).toString('hex')
using jupyter = lease.exec(
  ['jupyter-lab', '--no-browser', '--ip=127.0.0.1', `--port=${PORT}`, '--allow-root'],
  { env: { JUPYTER_TOKEN: token } }, // in the environment: who lists processes does not see it
)
using forwarded = await lease.ports.forward(PORT)
await untilAnswers(`${forwarded.url}/api/status`)
console.log(`${forwarded.url}/lab?token=${token}`)

await Promise.race([once(signal, 'abort'), jupyter.exit])
console.log('the notebook and its lease end')

/** Its first start takes a while; until then nothing listens in the lease. */
async function untilAnswers(url: string): Promise<void> {
  for (;;) {
    const headers = { authorization: `token ${token}` }
    const answer = await fetch(url, { headers }).catch(() => undefined)
    if (answer?.ok === true) return
    signal.throwIfAborted()
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}
