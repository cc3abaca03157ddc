import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Chain } from '../../chain/chain.ts'
import { polkadotApi } from '../../chain/polkadot.ts'
import type { Log } from '../../log.ts'
import { createNetwork, type Network } from '../../protocols/network.ts'
import type { Config } from '../config.ts'
import { allOrNone } from './all-or-none.ts'
import { type Child, type ChildOptions, startChild } from './child.ts'
import type { Layout, Member } from './layout.ts'
import {
  bindMembers,
  hasWallet,
  joinMembers,
  type KeyedMember,
  makeKeys,
  walletPlace,
} from './prepare-chain.ts'

/** The netuid of every devnet. */
export const DEVNET_NETUID = 1
/** Short blocks and epochs: what waits for a block or an epoch waits for moments. */
const BLOCK_MS = 500
const TEMPO_BLOCKS = 10

export interface Node extends Child {
  readonly member: Member
  readonly peerId: string
  /** SS58 address of its hotkey; relays and renters have none. */
  readonly hotkey: string | undefined
}

export interface Market {
  /** A connection to its chain, to read what came of it. */
  readonly chain: Chain
  /** The nodes, in the order of the layout. */
  readonly nodes: readonly Node[]
  readonly net: Network
}

export interface MarketOptions {
  readonly layout: Layout
  readonly config: Config
  readonly env: NodeJS.ProcessEnv
  readonly log: Log
  readonly signal: AbortSignal
  /** Another program than compute-node that runs a member, its file first: tests put cheats into a market so. */
  readonly programOf?: (member: Member) => readonly string[] | undefined
  /** Told of each step, for a person who waits. */
  readonly onStep: (step: string) => void
  /** Told of each process once it is ready. */
  readonly onReady: (child: Child) => void
  /** Told of each node once it is ready. */
  readonly onNode: (node: Node) => void
}

/**
 * Starts a whole market, each part its own process: the chain, the relay that all others join through, then the rest
 * at once, while their hotkeys are registered on the chain. Pushes each child on `stack` as it starts, so that a
 * failure stops what had started.
 */
export async function startMarket(
  options: MarketOptions,
  stack: AsyncDisposableStack,
): Promise<Market> {
  const { onStep, signal, log } = options
  const base = await startChain(options, stack)
  const { chainUrl, net, keyed } = base
  const { connectChain } = await import('../../chain/subtensor.ts')
  const chain = await connectChain(chainUrl, { log, signal })
  stack.defer(() => chain.close())
  const unbound = await bindMembers(chain, net, keyed)
  const register = async (): Promise<void> => {
    onStep('registering hotkeys, staking and binding peers on the chain')
    await joinMembers(chain, net, keyed, unbound)
    onStep('every miner and validator is registered, validators have staked')
  }
  const start = (life: AbortSignal) => startNodes({ ...options, signal: life }, base, stack)
  const [, nodes] = await allOrNone<[unknown, Node[]]>(signal, [register, start])
  return { nodes, chain, net }
}

interface Base {
  readonly chainUrl: string
  readonly net: Network
  readonly keyed: readonly KeyedMember[]
}

/** The chain's process and everybody's keys. */
async function startChain(options: MarketOptions, stack: AsyncDisposableStack): Promise<Base> {
  const { layout, log, signal, onStep } = options
  onStep('starting the chain, making keys')
  const chain = { name: 'chain', dataDir: layout.chainDir }
  const [{ ready }, keyed] = await allOrNone<[Child, KeyedMember[], unknown]>(signal, [
    (life) => start({ ...options, signal: life }, chain, chainArgs(layout), stack),
    () => makeKeys(layout.members, log),
    // Half a second of work for this process, which would only wait meanwhile.
    async () => polkadotApi(),
  ])
  const genesis = Buffer.from(String(ready['genesis']).replace(/^0x/, ''), 'hex')
  const net = createNetwork('local', DEVNET_NETUID, new Uint8Array(genesis))
  return { chainUrl: String(ready['url']), net, keyed }
}

/** As many seats as there are validators: a miner does not testify because it has earned something. */
const chainArgs = ({ chainDir, members }: Layout): string[] => [
  ...['chain', 'dev', '--port', '0', '--netuid', String(DEVNET_NETUID), '--data-dir', chainDir],
  ...['--block-ms', String(BLOCK_MS), '--tempo', String(TEMPO_BLOCKS)],
  ...['--seats', String(Math.max(1, members.filter(({ role }) => role === 'validator').length))],
]

/** The relay, then all others at once, for they join through it. */
async function startNodes(
  options: MarketOptions,
  { chainUrl, net, keyed }: Base,
  stack: AsyncDisposableStack,
): Promise<Node[]> {
  const { config, signal, onStep, onNode } = options
  const common = {
    network: 'local',
    netuid: DEVNET_NETUID,
    genesis: Buffer.from(net.genesis).toString('hex'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    // The list that lets the process engine run: nobody else gets in.
    peers: keyed.map(({ identity }) => identity.peerId),
  }
  const run = async (one: KeyedMember, more: object, life: AbortSignal): Promise<Node> => {
    const { member, identity, wallet } = one
    writeConfig(member, { ...common, ...more, ...optionsOf(member, config) })
    const args = ['--role', member.role, '--data-dir', member.dataDir]
    const part = { ...member, program: options.programOf?.(member) }
    const child = await start({ ...options, signal: life }, part, args, stack)
    const node = { ...child, member, peerId: identity.peerId, hotkey: wallet?.hotkey.address }
    onNode(node)
    return node
  }
  const [relay, ...others] = keyed
  onStep(`starting ${relay!.member.name}`)
  const first = await run(relay!, {}, signal)
  onStep(`starting ${others.map(({ member }) => member.name).join(', ')}`)
  const more = { bootstrap: first.ready['addrs'], chain: chainUrl }
  const works = others.map((one) => (life: AbortSignal) => run(one, more, life))
  return [first, ...(await allOrNone<Node[]>(signal, works))]
}

async function start(
  { env, signal, onReady, onStep }: MarketOptions,
  part: Pick<ChildOptions, 'name' | 'dataDir' | 'program'>,
  args: readonly string[],
  stack: AsyncDisposableStack,
): Promise<Child> {
  const child = await startChild({
    ...part,
    args: [...args, '--json'],
    env,
    signal,
    onSlow: onStep,
  })
  stack.defer(() => child.stop())
  onReady(child)
  return child
}

/** What a member's role asks for beside the network. */
function optionsOf(member: Member, config: Config): Readonly<Record<string, unknown>> {
  if (!hasWallet(member)) return {}
  const { path, name, hotkey } = walletPlace(member)
  const wallet = { walletPath: path, walletName: name, walletHotkey: hotkey }
  const number = Number(/\d+$/.exec(member.name)?.[0] ?? 1)
  // Different prices, so that ordering offers shows something.
  const price = `0.${4 + number}`
  const { engine, devices } = config
  return member.role === 'miner' ? { ...wallet, price, engine, devices } : wallet
}

/** The folder's own configuration, so that commands need only `--data-dir`. */
function writeConfig({ dataDir }: Member, options: Readonly<Record<string, unknown>>): void {
  const text = `${JSON.stringify(options, null, 2)}\n`
  writeFileSync(join(dataDir, 'config.json'), text, { mode: 0o600 })
}
