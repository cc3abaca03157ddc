import { createComputeNode } from '../../client/compute-node.ts'
import { sleep } from '../../clock.ts'
import { codeOf } from '../../errors.ts'
import { secondsMs } from '../../units.ts'
import { type Config, loadConfig } from '../config.ts'
import { controlSocketPath } from '../data-folder.ts'
import type { OptionKey } from '../options.ts'
import { LeaseHere } from './lease-here.ts'
import { type NodeHere, nodeHere } from './node-here.ts'
import { type NodeTransport, socketTransport, urlTransport } from './node-transport.ts'
import { startRenter } from './start-renter.ts'

/** How long a folder may be locked without a node that answers: one that is starting or stopping. */
const LOCKED_MS = secondsMs(10)
const LOOK_MS = 200

/** Options of a node as its configuration file has them (docs/cli.md), e.g. `network`, `bootstrap`, `chain`. */
export type StartOptions = Readonly<
  Partial<Record<OptionKey, string | number | boolean | readonly (string | number)[] | object>>
>

export interface ConnectOptions {
  /** Whose node to attach to; what the command line would use where absent. */
  readonly dataDir?: string | undefined
  /** A node's loopback port (`--api-port`) instead, with a token of its own. */
  readonly url?: string | undefined
  readonly token?: string | undefined
  /** Starts a renter in this process where no node runs in the data folder. */
  readonly start?: StartOptions | undefined
  /** What all leases taken through this connection may cost together, as a decimal such as `2.5`. */
  readonly budget?: string | undefined
  /** Ends the connection and everything that was begun through it. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Connects to a node: the one that runs in a data folder, one at an address, or one that is started for this program.
 * Disposing ends the connection, and the node that was started for it; leases that are kept run on.
 * @throws FAILED_NOT_RUNNING when none runs and none is to be started; FAILED_CONNECTION, REFUSED_… when the one at an
 * address does not answer or knows no such token; BAD_CONFIG_… for options that make no sense
 */
export async function connect(options: ConnectOptions = {}): Promise<NodeHere> {
  const { url, token, budget, signal } = options
  signal?.throwIfAborted()
  await using stack = new AsyncDisposableStack()
  const life = new AbortController()
  const transport = url === undefined ? await ownNode(options, stack) : urlTransport(url, token)
  stack.use(transport)
  const own = signal === undefined ? life.signal : AbortSignal.any([life.signal, signal])
  const leaseOf = (parts: ConstructorParameters<typeof LeaseHere>[0]) =>
    new LeaseHere(parts, transport)
  const node = stack.use(createComputeNode({ transport, budget, signal: own, leaseOf }))
  if (url !== undefined) await node.ask({ path: '/v1/session' }) // else the first call would tell
  return nodeHere(node, stack.move())
}

/** The node of a data folder, started where none runs and that is wanted. */
async function ownNode(
  options: ConnectOptions,
  stack: AsyncDisposableStack,
): Promise<NodeTransport> {
  const config = configOf(options)
  const transport = socketTransport(await controlSocketPath(config.dataDir))
  const signal = options.signal ?? new AbortController().signal
  const giveUpAtMs = Date.now() + LOCKED_MS
  for (;;) {
    try {
      stack.use(await transport.hold())
      return transport
    } catch (error) {
      if (!absent.has(codeOf(error)) || options.start === undefined) throw error
    }
    try {
      stack.use(await startRenter(config, signal))
    } catch (error) {
      if (codeOf(error) !== 'BAD_CONFIG_LOCKED' || Date.now() > giveUpAtMs) throw error
      await sleep(LOOK_MS, signal)
    }
  }
}

const absent: ReadonlySet<string> = new Set(['FAILED_NOT_RUNNING', 'FAILED_NODE_STOPPED'])

/** Judged as the command line judges it: flags are what `start` says, then the environment, then the folder's file. */
function configOf({ dataDir, start = {} }: ConnectOptions): Config {
  const given = { ...start, ...(dataDir === undefined ? {} : { dataDir }) }
  const flags = Object.entries(given)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [key as OptionKey, [value].flat().map(rawOf)] as const)
  return loadConfig({ flags: new Map(flags), env: process.env })
}

const rawOf = (value: unknown): string =>
  typeof value === 'object' ? JSON.stringify(value) : String(value)
