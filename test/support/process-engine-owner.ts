/**
 * A node's stand-in for tests that kill the owner: makes a process engine on the folder given, starts one lease that
 * idles with a command running in it and one whose main process is a command, and says so.
 */
import { createProcessEngine } from '../../src/containers/process-engine.ts'

const genesis = new Uint8Array(32).fill(7)
const engine = await createProcessEngine({
  stateDir: process.argv[2]!,
  proof: {
    network: 'local',
    genesis,
    embeddedGenesis: genesis,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    admittedPeerIds: ['12D3a'],
  },
})
const spec = { image: 'none', memoryMiB: 64, cpus: 1, expiresAtMs: 1_800_000_000_000 }
const idle = await engine.create({ ...spec, leaseId: 'aa01' })
await idle.start()
await idle.exec(['sh', '-c', 'sleep 3001 & setsid sleep 3002 & wait'])
const main = await engine.create({ ...spec, leaseId: 'aa02', command: ['sleep', '3003'] })
await main.start()
const short = await engine.create({
  ...spec,
  leaseId: 'aa03',
  command: ['sh', '-c', 'sleep 1; exit 9'],
})
await short.start()
process.stdout.write('started\n')
setInterval(() => undefined, 1000)
