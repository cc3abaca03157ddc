import { sleep } from '../../clock.ts'
import { secondsMs } from '../../units.ts'
import { signInLink } from '../control/sign-in-link.ts'
import { createOutput } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { CommandContext, Run } from './command.ts'
import { openPage } from './open-page.ts'
import { whenInterrupted } from './when-interrupted.ts'

/** A browser that starts cold takes seconds to read the page that leads on. */
const BROWSER_MS = secondsMs(10)

/**
 * Shows the console of the node of this data folder in a browser that it signs in. A node that runs goes on by itself;
 * where none runs, one is started and stays until Ctrl-C.
 */
export const ui: Run = (context) =>
  withNode(context, async (client, { isOwn }) => {
    const { config, terminal, signal } = context
    const output = createOutput(terminal, config)
    const link = await signInLink(client, config.apiPort ?? 0, signal)
    output.value(link, () => link.url, link.url)
    output.note('  the link works once, within a minute; compute-node ui makes another')
    await using _page = await openedPage(link.url, context)
    if (!isOwn) return 0
    output.note('  the node stops with Ctrl-C')
    await whenInterrupted(signal)
    return 0
  })

/** Opens the browser for a person; the file that leads it there stays until it was read. */
async function openedPage(
  url: string,
  { config, terminal, signal }: CommandContext,
): Promise<AsyncDisposable | undefined> {
  const isPerson = terminal.stdout.isTTY === true && !config.json && !config.quiet
  if (!isPerson || !config.open) return undefined
  const output = createOutput(terminal, config)
  const page = await openPage(url, config.dataDir, output)
  await sleep(BROWSER_MS, signal).catch(() => undefined) // Ctrl-C: whoever is in a hurry has the link
  return page
}
