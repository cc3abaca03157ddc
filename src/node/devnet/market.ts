import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Chain } from '../../chain/chain.ts'
import type { Log } from '../../log.ts'
import { createNetwork, type Network } from '../../protocols/network.ts'
import type { Config } from '../config.ts'
import { createDataFolder } from '../data-folder.ts'
import { type Identity, loadIdentity } from '../identity.ts'
import { type Child, startChild } from './child.ts'
import type { Layout, Member } from './layout.ts'
import { hasWallet, prepareChain, walletPlace } from './prepare-chain.ts'

/** The netuid of every devnet. */
export const DEVNET_NETUID = 1

export interface Node extends Child {
  readonly member: Member
  readonly peerId: string
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
  /** Told of each step, for a person who waits. */
  readonly onStep: (step: string) => void
}

/**
 * Starts a whole market, each part its own process: the chain, then accounts and registrations on it, the relay that
 * all others join through, and the rest at once. Pushes each child on `stack` as it starts, so that a failure stops
 * what had started.
 */
export async function startMarket(
  options: MarketOptions,
  stack: AsyncDisposableStack,
): Promise<Market> {
  const { layout, onStep, signal, log } = options
  const start = async (member: { name: string; dataDir: string }, args: readonly string[]) => {
    const child = await startChild({
      ...member,
      args: [...args, '--json'],
      env: options.env,
      signal,
    })
    stack.defer(() => child.stop())
    return child
  }

  onStep('starting the chain')
  const chainProcess = await start(
    { name: 'chain', dataDir: layout.chainDir },
    chainArgs(layout.chainDir),
  )
  const chainUrl = String(chainProcess.ready['url'])
  const genesis = String(chainProcess.ready['genesis']).replace(/^0x/, '')
  const net = createNetwork('local', DEVNET_NETUID, Uint8Array.from(Buffer.from(genesis, 'hex')))

  onStep('making keys')
  const identities = await makeIdentities(layout.members, log)
  onStep('registering hotkeys, staking and binding peers on the chain')
  const { connectChain } = await import('../../chain/subtensor.ts')
  const ledger = await connectChain(chainUrl, { log, signal })
  stack.defer(() => ledger.close())
  await prepareChain({ chain: ledger, members: layout.members, identities, net })

  const common = {
    network: 'local',
    netuid: DEVNET_NETUID,
    genesis,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    // The list that lets the process engine run: nobody else gets in.
    peers: [...identities.values()].map(({ peerId }) => peerId),
  }
  const run = async (member: Member, more: Readonly<Record<string, unknown>>): Promise<Node> => {
    const own = { ...common, ...more, ...optionsOf(member, options.config) }
    writeConfig(member, own)
    const child = await start(member, ['--role', member.role, '--data-dir', member.dataDir])
    return { ...child, member, peerId: identities.get(member.name)!.peerId }
  }

  const [relay, ...others] = layout.members
  onStep(`starting ${relay!.name}`)
  const first = await run(relay!, {})
  const bootstrap = first.ready['addrs']
  onStep(`starting ${others.map(({ name }) => name).join(', ')}`)
  const rest = await Promise.all(
    others.map((member) => run(member, { bootstrap, chain: chainUrl })),
  )
  return { nodes: [first, ...rest], chain: ledger, net }
}

const chainArgs = (dataDir: string): string[] => [
  ...['chain', 'dev', '--port', '0', '--block-ms', '1000', '--tempo', '10'],
  ...['--netuid', String(DEVNET_NETUID), '--data-dir', dataDir],
]

/** Each node's key, made where it has none: the list of admitted PeerIds must be known before any node starts. */
async function makeIdentities(
  members: readonly Member[],
  log: Log,
): Promise<Map<string, Identity>> {
  const pairs = members.map(async ({ name, dataDir }) => {
    const { keyFile } = await createDataFolder(dataDir)
    return [name, await loadIdentity(keyFile, log)] as const
  })
  return new Map(await Promise.all(pairs))
}

/** What a member's role asks for beside the network. */
function optionsOf(member: Member, config: Config): Readonly<Record<string, unknown>> {
  if (!hasWallet(member)) return {}
  const { path, name, hotkey } = walletPlace(member)
  const wallet = { walletPath: path, walletName: name, walletHotkey: hotkey }
  const number = Number(/\d+$/.exec(member.name)?.[0] ?? 1)
  // Different prices, so that ordering offers shows something.
  const price = `0.${4 + number}`
  return member.role === 'miner' ? { ...wallet, price, engine: config.engine } : wallet
}

/** The folder's own configuration, so that commands need only `--data-dir`. */
function writeConfig({ dataDir }: Member, options: Readonly<Record<string, unknown>>): void {
  const text = `${JSON.stringify(options, null, 2)}\n`
  writeFileSync(join(dataDir, 'config.json'), text, { mode: 0o600 })
}
