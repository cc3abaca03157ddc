import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildConsole, isConsoleStale } from '../../scripts/build-console.mjs'
import { silent } from '../../src/log.ts'
import { configWith } from '../../src/node/config.ts'
import { createControlClient } from '../../src/node/control/client.ts'
import { type SignInLink, signInLink } from '../../src/node/control/sign-in-link.ts'
import { startChild } from '../../src/node/devnet/child.ts'
import { devnetLayout } from '../../src/node/devnet/layout.ts'
import { type Node, startMarket } from '../../src/node/devnet/market.ts'

export interface ConsoleMarket extends AsyncDisposable {
  readonly nodes: readonly Node[]
  readonly renter: Node
  /** A fresh link into the console of a node; the renter's where none is named. */
  link(node?: Node): Promise<SignInLink>
  /** Kills the renter as a power cut would. */
  killRenter(): Promise<void>
  /** Starts it again, on the port that it had. */
  startRenter(): Promise<void>
}

export interface ConsoleMarketOptions {
  readonly miners?: number
  readonly validators?: number
  /** What leases run in: a Docker Engine, or plain processes. */
  readonly engine?: 'docker' | 'process'
}

const ignore = (): void => undefined

/** A market of real processes to look at in a browser, with the console built of today's sources. */
export async function startConsoleMarket({
  miners = 2,
  validators = 1,
  engine = 'process',
}: ConsoleMarketOptions = {}): Promise<ConsoleMarket> {
  if (isConsoleStale()) await buildConsole()
  await using stack = new AsyncDisposableStack()
  const root = await mkdtemp(join(tmpdir(), 'cn-console-market-'))
  stack.defer(() => rm(root, { recursive: true, force: true }))
  const { signal } = new AbortController()
  const layout = devnetLayout(root, miners, validators)
  const parts = { layout, config: configWith({ engine }), env: process.env, log: silent, signal }
  const told = { onStep: ignore, onReady: ignore, onNode: ignore }
  const { nodes } = await startMarket({ ...parts, ...told }, stack)
  const renter = nodes.find(({ member }) => member.role === 'renter')!
  const clientOf = ({ ready }: Node) => createControlClient(String(ready['control']))
  const link = async (node = renter): Promise<SignInLink> => {
    using client = clientOf(node)
    return await signInLink(client)
  }
  const { console: address } = await link()
  const owned = stack.move()
  return {
    nodes,
    renter,
    link,
    async killRenter() {
      process.kill(renter.pid, 'SIGKILL')
      await renter.ended
    },
    async startRenter() {
      const { name, dataDir } = renter.member
      const args = [
        '--role',
        'renter',
        '--data-dir',
        dataDir,
        '--json',
        '--api-port',
        new URL(address).port,
      ]
      const child = await startChild({ name, args, dataDir, env: process.env, signal })
      owned.defer(() => child.stop())
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
