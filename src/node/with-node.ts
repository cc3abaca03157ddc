import { sleep } from '../clock.ts'
import { codeOf } from '../errors.ts'
import { secondsMs } from '../units.ts'
import type { CommandContext } from './commands/command.ts'
import { type ControlClient, createControlClient } from './control/client.ts'
import { controlSocketPath } from './data-folder.ts'
import { createLog } from './log-to-stderr.ts'
import type { RunningNode } from './node.ts'
import { createOutput } from './output.ts'

/** How long a folder may be locked without a node that answers: one that is starting or stopping. */
const LOCKED_MS = secondsMs(10)
const LOOK_MS = 200

/**
 * Does something with a node: the one that runs in the data folder, or else one that lives for this command alone and
 * has listened for `--gather` before `work` begins.
 * @throws BAD_CONFIG_LOCKED when another process holds the folder and answers no command
 */
export async function withNode<T>(
  context: CommandContext,
  work: (client: ControlClient, node: { readonly isOwn: boolean }) => Promise<T>,
): Promise<T> {
  using client = createControlClient(await controlSocketPath(context.config.dataDir))
  await using node = await obtainNode(context, client)
  return await work(client, node)
}

/** A node that a command may use until this is disposed; `isOwn` when it was started for the command. */
interface ObtainedNode extends AsyncDisposable {
  readonly isOwn: boolean
}

/** Like `withNode`, for what only makes sense with the node that runs; throws FAILED_NOT_RUNNING. */
export async function withRunningNode<T>(
  { config }: CommandContext,
  work: (client: ControlClient) => Promise<T>,
): Promise<T> {
  using client = createControlClient(await controlSocketPath(config.dataDir))
  using _hold = await client.hold()
  return await work(client)
}

/** Looks for a node and starts one by turns, for others may start or stop theirs meanwhile. */
async function obtainNode(context: CommandContext, client: ControlClient): Promise<ObtainedNode> {
  const giveUpAtMs = Date.now() + LOCKED_MS
  for (;;) {
    context.signal.throwIfAborted()
    try {
      const hold = await client.hold()
      return { isOwn: false, [Symbol.asyncDispose]: async () => hold[Symbol.dispose]() }
    } catch (error) {
      if (!absent.has(codeOf(error))) throw error
    }
    try {
      const node = await startEphemeral(context)
      return { isOwn: true, [Symbol.asyncDispose]: () => node[Symbol.asyncDispose]() }
    } catch (error) {
      if (codeOf(error) !== 'BAD_CONFIG_LOCKED' || Date.now() > giveUpAtMs) throw error
    }
    await sleep(LOOK_MS, context.signal)
  }
}

const absent: ReadonlySet<string> = new Set(['FAILED_NOT_RUNNING', 'FAILED_NODE_STOPPED'])

async function startEphemeral(context: CommandContext): Promise<AsyncDisposable> {
  const { config, terminal, signal } = context
  const output = createOutput(terminal, config)
  const { createNode } = await import('./node.ts')
  const log = createLog({ level: config.logLevel, json: config.json })
  const renter = { ...config, roles: ['renter'] as const, listen: [] }
  await using stack = new AsyncDisposableStack()
  // A promise that nobody awaited (of a library, mostly) is a bug to report, not the end of a command.
  const report = (error: unknown): void => log.error('unhandled-rejection', error)
  process.on('unhandledRejection', report)
  stack.defer(() => void process.off('unhandledRejection', report))
  const node = stack.use(await createNode(renter, { log, ephemeral: true }))
  output.progress('no node runs here: this command started one for itself')
  if (config.bootstrap.length > 0) await sleep(config.gatherMs, signal)
  stack.defer(() => untilReleased(node, context))
  return stack.move()
}

/** Another command may have found this node: it may finish, unless the person has had enough. */
async function untilReleased(
  { control }: RunningNode,
  { config, terminal, signal }: CommandContext,
): Promise<void> {
  if (control.holds.count === 0 || signal.aborted) return
  const output = createOutput(terminal, config)
  output.progress('another command uses this node: waiting for it (Ctrl-C stops both)')
  await control.holds.released(signal).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}
