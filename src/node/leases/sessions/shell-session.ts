import { NodeError } from '../../../errors.ts'
import type { ControlToRenter, SessionOf } from '../../../protocols/session.ts'
import { KeptShell } from './kept-shell.ts'
import { placeOf } from './place-of.ts'
import type { SessionRun } from './session-run.ts'

/** bash where the image has it, as its users expect; else what every image with a shell has. */
const DEFAULT_SHELL = [
  '/bin/sh',
  '-c',
  'command -v bash >/dev/null 2>&1 && exec bash; exec /bin/sh',
] as const

/** Opens a terminal in a container and serves its first connection; when that breaks, the command runs on. */
export async function runShell(run: SessionRun<SessionOf<'shell'>>): Promise<void> {
  const { container, request, peerId, shells } = run
  const { command = DEFAULT_SHELL, leaseId } = request
  const { columns, rows } = request.size
  const exec = await container.exec(command, {
    ...placeOf(request),
    tty: true,
    size: { columns, rows },
  })
  const shell = new KeptShell(exec, { peerId, leaseId })
  shells.add(shell)
  const { token } = shell
  await serve(run, shell, 0, () => ({ kind: 'started', token, graceMs: shells.graceMs }))
}

/** Goes on with a terminal whose connection broke, or that its renter believes to be broken. */
export async function runResume(run: SessionRun<SessionOf<'resume'>>): Promise<void> {
  const { request, peerId, shells } = run
  const shell = shells.find(request.token, peerId, request.leaseId)
  if (shell === undefined) {
    throw new NodeError('REFUSED_NO_SHELL', 'there is no such shell any more', {
      next: 'open a new one: compute-node shell LEASE',
    })
  }
  shells.connected(shell)
  await serve(run, shell, request.received, (received) => ({ kind: 'resumed', received }))
}

async function serve(
  { channel, shells, closing, left }: SessionRun,
  shell: KeptShell,
  received: number,
  greeting: (taken: number) => ControlToRenter,
): Promise<void> {
  const end = await shell
    .serve(channel, { greeting, received, closing, left })
    .catch(async (error: unknown) => {
      await shells.hangUp(shell)
      throw error
    })
  if (end === 'done') return shells.forget(shell)
  if (end === 'left') return shells.hangUp(shell)
  if (end === 'lost') shells.wait(shell, closing)
  throw new NodeError('PEER_LOST', 'this connection of the shell has ended')
}
