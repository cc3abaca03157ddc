import { randomBytes } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { WishBody } from '../../api/leases.ts'
import { DEFAULT_ORDER } from '../../api/offers.ts'
import { NodeError } from '../../errors.ts'
import { proofSharePpm } from '../../gpu/leased-proofs.ts'
import { slotNetworks } from '../../gpu/slot-network.ts'
import type { AskedVolume } from '../../protocols/volumes.ts'
import { hoursMs, MiB, secondsMs } from '../../units.ts'
import type { ControlClient } from '../control/client.ts'
import type { LeaseView } from '../leases/lease-view.ts'
import { createOutput, type Output } from '../output.ts'
import { filledEnv, findTemplate, mergedVolumes, type NamedTemplate } from '../templates.ts'
import { withNode } from '../with-node.ts'
import type { CommandContext, Run, Terminal } from './command.ts'
import { openJupyter, stayWith } from './jupyter.ts'
import { assertRunning, proofsOf, SETTLE_MS, watchLease } from './lease-output.ts'
import { leasePath } from './lease-path.ts'
import { orderWithCaches } from './order-with-caches.ts'
import { readRegistryAuth } from './registry-auth.ts'
import { runInLease } from './run-in-lease.ts'
import { tellOrder } from './tell-order.ts'

/** How long an agreement that was begun may take after Ctrl-C. */
const AGREE_MS = secondsMs(10)

/** With `--json` the command's output goes into one document; what is longer is for a pipe. */
const MOST_COLLECTED_BYTES = 4 * MiB

/**
 * Takes the first offer that can be had. With a command: runs it, passes its exit code through and ends the lease;
 * without: prints the lease's id and leaves it running.
 */
export const rent: Run = (context) =>
  withNode(context, async (client) => {
    const { config, rest, terminal, signal } = context
    const output = createOutput(terminal, config)
    if (rest !== undefined && rest.length === 0) {
      throw new NodeError('BAD_CONFIG_USAGE', 'no command stands after --', {
        next: 'compute-node rent --help',
      })
    }
    if (rest !== undefined && config.jupyter) {
      throw new NodeError('BAD_CONFIG_USAGE', 'with --jupyter, Jupyter is the command', {
        next: 'leave out --jupyter or the command',
      })
    }
    output.progress(lossOf(config))
    const lease = await placed(client, context, output)
    if (signal.aborted) {
      await endLease(client, lease.id, output, 'cancelled by the renter')
      throw signal.reason
    }
    const proofs = proofsOf(lease)
    const lost = proofs === null ? '' : `; proofs: ${proofs}`
    output.progress(`lease ${lease.id.slice(0, 12)}: ${lease.dph} ${lease.asset} per hour${lost}`)
    if (config.jupyter) return withJupyter(client, lease, context)
    if (rest === undefined) return leaveRunning(client, lease, output, signal)
    return config.json
      ? collected(client, lease, rest, context)
      : runAndEnd(client, lease, rest, context, terminal)
  })

/** What a tenant loses to proofs at most, said before anything is agreed: a quote with more is refused. */
function lossOf({ network, exclusive }: CommandContext['config']): string {
  if (exclusive) return 'asking for GPUs that prove nothing meanwhile'
  const percent = Number((proofSharePpm(slotNetworks[network]) / 1e4).toPrecision(3))
  return `proofs beside a lease take at most ${percent} % of its GPUs' time on average; --exclusive rents without`
}

/** Places the order, and tells meanwhile which offers cannot be had and where it waits. */
async function placed(
  client: ControlClient,
  context: CommandContext,
  output: Output,
): Promise<LeaseView> {
  const { signal, config } = context
  // Not bound to Ctrl-C at once: what was agreed meanwhile must be known to be ended. A place in a queue is given up.
  const late = config.wait === undefined ? delayed(signal, AGREE_MS) : signal
  const template = config.template === undefined ? undefined : await findTemplate(config.template)
  const wish = await wishOf(context, template)
  const name = randomBytes(8).toString('hex')
  const told = new AbortController()
  const telling = tellOrder(client, name, context, output, told.signal)
  const order = (body: WishBody) => client.post<LeaseView>('/v1/leases', { ...body, name }, late)
  const without = { ...wish, volumes: volumesOf(context, template, false) }
  try {
    return await orderWithCaches(order, wish, without, output.progress)
  } finally {
    told.abort()
    await telling
  }
}

/** Those of the command line, and what the template adds. */
const volumesOf = (
  { config }: CommandContext,
  template: NamedTemplate | undefined,
  caches: boolean,
): AskedVolume[] =>
  template === undefined ? [...config.volumes] : mergedVolumes(template, config.volumes, caches)

async function wishOf(
  context: CommandContext,
  template: NamedTemplate | undefined,
): Promise<WishBody> {
  const { args, config, rest, terminal } = context
  const image = config.image ?? template?.image
  const env = { ...(template === undefined ? {} : filledEnv(template, process.env)), ...config.env }
  // A command of one's own stands in for the template's: the container idles for it.
  const command = rest === undefined ? template?.command : undefined
  const { order, maxDph, maxCost, maxDailyCost, hours, prepaid, authorize } = config
  const { exclusive, label, registryAuth, wait } = config
  const ports = template?.ports
  return {
    query: args.join(' '),
    order: order ?? DEFAULT_ORDER,
    ...(image === undefined ? {} : { image }),
    ...(registryAuth === undefined
      ? {}
      : { registryAuth: await readRegistryAuth(registryAuth, image, terminal.stdin) }),
    ...(command === undefined ? {} : { command }),
    ...(Object.keys(env).length === 0 ? {} : { env }),
    ...(Object.keys(label).length === 0 ? {} : { labels: label }),
    ...(ports === undefined ? {} : { ports }),
    durationMs: Math.max(1000, Math.round(hours * hoursMs(1))),
    prepaidMs: prepaid,
    ...(exclusive ? { exclusive } : {}),
    ...(maxDph === undefined ? {} : { maxDph }),
    ...(maxCost === undefined ? {} : { maxCost }),
    ...(maxDailyCost === undefined ? {} : { maxDailyCost }),
    authorized: [...authorize],
    ...(wait === undefined ? {} : { waitMs: wait }),
    volumes: volumesOf(context, template, true),
  }
}

async function leaveRunning(
  client: ControlClient,
  { id }: LeaseView,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const lease = await untilRunning(client, id, output, signal)
  const short = id.slice(0, 12)
  const { expiresAtMs, dph, asset } = lease
  output.value(lease, () => id, id)
  const ends =
    expiresAtMs === null ? '' : ` until ${new Date(expiresAtMs).toISOString().slice(0, 19)}Z`
  output.note(`running${ends} at ${dph} ${asset} per hour`)
  output.note(`  compute-node exec ${short} -- CMD\n  compute-node stop ${short}`)
  return 0
}

/** A lease in which Jupyter never came up ends; else it holds somebody's work and stays until it is stopped. */
async function withJupyter(
  client: ControlClient,
  { id, dph, asset }: LeaseView,
  context: CommandContext,
): Promise<number> {
  const { terminal, config, signal } = context
  const output = createOutput(terminal, config)
  const lease = { id, lease: id }
  const start = async () => {
    assertRunning(await watchLease(client, id, { output, signal, until: 'running' }))
    return openJupyter(client, lease, context)
  }
  using running = await start().catch(async (error: unknown) => {
    await endLease(client, id, output, 'Jupyter did not start')
    throw error
  })
  await stayWith(running, lease, context)
  output.note(`the lease runs on at ${dph} ${asset} per hour`)
  const short = id.slice(0, 12)
  output.note(`  compute-node jupyter ${short}\n  compute-node stop ${short}`)
  return 0
}

/** Ctrl-C before it runs ends it, on both sides: what nobody waits for is not pulled, nor paid. */
async function untilRunning(
  client: ControlClient,
  id: string,
  output: Output,
  signal: AbortSignal,
): Promise<LeaseView> {
  try {
    const lease = await watchLease(client, id, { output, signal, until: 'running' })
    assertRunning(lease)
    return lease
  } catch (error) {
    if (signal.aborted) await endLease(client, id, output, 'cancelled by the renter')
    throw error
  }
}

/** Aborts that long after `signal` has. */
function delayed(signal: AbortSignal, ms: number): AbortSignal {
  const later = new AbortController()
  const abort = (): void => void setTimeout(() => later.abort(signal.reason), ms).unref()
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return later.signal
}

/** The lease ends whatever becomes of the command: nobody pays for what is not used. */
async function runAndEnd(
  client: ControlClient,
  { id }: LeaseView,
  command: readonly string[],
  { config, signal, terminal: own }: CommandContext,
  terminal: Terminal,
): Promise<number> {
  const output = createOutput(own, config)
  try {
    // What becomes of a lease that cannot start, opening the session says.
    await watchLease(client, id, { output, signal, until: 'running' })
    return await runInLease(client, id, { command: [...command] }, terminal, signal)
  } finally {
    await endLease(client, id, output, 'the command has ended')
  }
}

/** Not bound to the command's signal: Ctrl-C ends the lease, too. */
async function endLease(
  client: ControlClient,
  id: string,
  output: Output,
  reason: string,
): Promise<void> {
  const signal = AbortSignal.timeout(2 * SETTLE_MS)
  try {
    await client.post(leasePath(id, '/stop'), { reason }, signal)
    const lease = await watchLease(client, id, { output, signal, until: 'over', ms: SETTLE_MS })
    const what = lease.settled === null ? `owes ${lease.owed}` : `paid ${lease.settled}`
    output.progress(`lease ${id.slice(0, 12)} ${lease.state.toLowerCase()}: ${what} ${lease.asset}`)
  } catch (error) {
    output.note(`the lease could not be ended: ${error instanceof Error ? error.message : error}`)
    output.note(`  next: compute-node stop ${id.slice(0, 12)}`)
  }
}

/** `--json`: one document with the lease, the exit code and what the command printed. */
async function collected(
  client: ControlClient,
  { id }: LeaseView,
  command: readonly string[],
  context: CommandContext,
): Promise<number> {
  const [stdout, stderr] = [new Bounded(), new Bounded()]
  const printed = Promise.all([buffer(stdout), buffer(stderr)])
  const { stdin } = context.terminal
  const terminal: Terminal = { stdin, stdout, stderr }
  const lease = { id } as LeaseView
  const exitCode = await runAndEnd(client, lease, command, context, terminal)
  stdout.end()
  stderr.end()
  const [out, err] = await printed
  const view = await client.get<LeaseView>(leasePath(id))
  createOutput(context.terminal, context.config).value(
    { lease: view, exitCode, stdout: out.toString(), stderr: err.toString() },
    () => out.toString(),
  )
  return exitCode
}

/** Keeps the first part of what is written to it, and takes the rest without keeping it. */
class Bounded extends PassThrough {
  #left = MOST_COLLECTED_BYTES

  override _transform(
    chunk: Buffer,
    _: BufferEncoding,
    done: (error: null, data?: Buffer) => void,
  ): void {
    const kept = chunk.subarray(0, this.#left)
    this.#left -= kept.length
    done(null, kept)
  }
}
