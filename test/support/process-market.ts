import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { silent } from '../../src/log.ts'
import { configWith } from '../../src/node/config.ts'
import { type ControlClient, createControlClient } from '../../src/node/control/client.ts'
import { devnetLayout } from '../../src/node/devnet/layout.ts'
import { type MarketOptions, type Node, startMarket } from '../../src/node/devnet/market.ts'

/** Who takes part in a market of processes, and what runs them. */
export interface ProcessMarketOptions {
  readonly miners: number
  readonly validators: number
  readonly programOf?: NonNullable<MarketOptions['programOf']>
}

const ignore = (): void => undefined

/** A market without a renter, each part its own process as in a devnet; all of it ends with the test. */
export async function startProcessMarket({
  miners,
  validators,
  ...programs
}: ProcessMarketOptions) {
  const root = await mkdtemp(join(tmpdir(), 'cn-e2e-market-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  const stack = new AsyncDisposableStack()
  onTestFinished(() => stack.disposeAsync())
  const all = devnetLayout(root, miners, validators)
  const layout = { ...all, members: all.members.filter(({ role }) => role !== 'renter') }
  const { signal } = new AbortController()
  const { env } = process
  const parts = { layout, config: configWith({ engine: 'process' }), env, log: silent, signal }
  const told = { onStep: ignore, onReady: ignore, onNode: ignore }
  const market = await startMarket({ ...parts, ...told, ...programs }, stack)
  const named = (name: string): Node => market.nodes.find(({ member }) => member.name === name)!
  return { ...market, stack, named, env, signal }
}

/** The control client of a running process; it ends with the test. */
export function clientOf(node: Pick<Node, 'ready'>): ControlClient {
  const client = createControlClient(String(node.ready['control']))
  onTestFinished(() => client[Symbol.dispose]())
  return client
}
