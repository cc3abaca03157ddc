import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { runProgram } from '../../src/containers/host-network.ts'

/** Answers every connection with `reached`, and every question for a name with: there is none. */
const SERVER = `
const { createServer } = require('node:net')
for (const port of [80, 25, 465, 587, 8080])
  createServer((socket) => socket.on('error', () => 0).end('reached\\n')).listen(port, '0.0.0.0')
const udp = require('node:dgram').createSocket('udp4')
udp.on('message', (message, { port, address }) => {
  message[2] |= 0x80
  message[3] = 3
  udp.send(message, port, address)
})
udp.bind(53, '0.0.0.0', () => process.stdout.write('up'))
`

/** A machine beyond this one, in a network namespace: one of its addresses is public, the others nobody may reach. */
export interface OutsideWorld extends AsyncDisposable {
  readonly publicAddress: string
  /** On the provider's own network: private, shared, and where clouds tell their secrets. */
  readonly closedAddresses: readonly string[]
}

/** Takes root. Its routes are this machine's until it is disposed of. */
export async function createOutsideWorld(): Promise<OutsideWorld> {
  const n = process.pid % 250
  const name = `cn-world-${process.pid}`
  const near = `cnw${process.pid % 1_000_000}`
  const publicAddress = `11.99.${n}.7`
  const routed = [publicAddress, '169.254.169.254', `100.99.${n}.7`, `192.168.${n}.199`]
  const link = { host: `10.213.${n}.1`, far: `10.213.${n}.2` }
  const ip = (...args: string[]) => runProgram('ip', args)
  const inside = (...args: string[]) => runProgram('nsenter', [`--net=/run/netns/${name}`, ...args])

  await ip('netns', 'add', name)
  await ip('link', 'add', near, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
  await ip('addr', 'add', `${link.host}/30`, 'dev', near)
  await ip('link', 'set', near, 'up')
  await inside('ip', 'addr', 'add', `${link.far}/30`, 'dev', 'eth0')
  for (const device of ['eth0', 'lo']) await inside('ip', 'link', 'set', device, 'up')
  await inside('ip', 'route', 'add', 'default', 'via', link.host)
  for (const address of routed) {
    await inside('ip', 'addr', 'add', `${address}/32`, 'dev', 'lo')
    await ip('route', 'add', `${address}/32`, 'via', link.far)
  }
  const server = spawn('nsenter', [`--net=/run/netns/${name}`, process.execPath, '-e', SERVER])
  await once(server.stdout, 'data')
  return {
    publicAddress,
    closedAddresses: [link.far, ...routed.slice(1)],
    async [Symbol.asyncDispose]() {
      server.kill()
      await once(server, 'exit')
      await ip('link', 'del', near) // its routes go with it
      await ip('netns', 'del', name)
    },
  }
}
