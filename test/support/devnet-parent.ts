import { startChild } from '../../src/node/devnet/child.ts'

/** Starts the child that the environment describes, tells its pid, and waits to be killed. */
const options = JSON.parse(process.env['CHILD']!)
const child = await startChild({ ...options, signal: new AbortController().signal })
process.send!(child.pid)
setInterval(() => undefined, 60_000)
