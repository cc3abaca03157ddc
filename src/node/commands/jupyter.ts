import type { ControlClient } from '../control/client.ts'
import { createOutput } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { CommandContext, Run } from './command.ts'
import { placeOf } from './exec.ts'
import { type NamedLease, nameLease } from './name-lease.ts'
import { openPage } from './open-page.ts'
import { type Jupyter, startJupyter } from './start-jupyter.ts'
import { whenInterrupted } from './when-interrupted.ts'

/** What `jupyter --json` prints. */
export interface JupyterResult {
  readonly lease: string
  readonly url: string
  readonly local: number
  readonly port: number
  readonly program: string
}

/** Starts Jupyter in a lease and shows it on this machine until Ctrl-C. */
export const jupyter: Run = (context) =>
  withNode(context, async (client) => {
    const lease = await nameLease(client, context.args[0]!)
    using running = await openJupyter(client, lease, context)
    await stayWith(running, lease, context)
    return 0
  })

/** Starts it as the options say. @throws as `startJupyter` */
export function openJupyter(
  client: ControlClient,
  { lease }: NamedLease,
  { config, terminal, signal }: CommandContext,
): Promise<Jupyter> {
  createOutput(terminal, config).progress('starting Jupyter')
  return startJupyter(client, lease, { ...placeOf(config), detach: config.detach }, signal)
}

/** Tells its address, opens it for a person, and stays until Ctrl-C or somebody shuts it down. */
export async function stayWith(
  { url, local, port, program, ended }: Jupyter,
  { id }: NamedLease,
  { config, terminal, signal }: CommandContext,
): Promise<void> {
  const output = createOutput(terminal, config)
  const result: JupyterResult = { lease: id, url, local, port, program }
  output.value(result, () => url)
  output.note(
    config.detach
      ? `  Ctrl-C leaves it running; compute-node forward ${id.slice(0, 12)} ${local}:${port} leads there again`
      : '  Ctrl-C ends it',
  )
  const isPerson = terminal.stdout.isTTY === true && !config.json && !config.quiet
  await using _page = isPerson ? await openPage(url, config.dataDir, output) : undefined
  await Promise.race([ended, whenInterrupted(signal)])
}
