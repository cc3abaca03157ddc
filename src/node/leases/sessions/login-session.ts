import type { Container } from '../../../containers/engine.ts'
import { SFTP_SERVER_PLACES } from '../../../containers/host-sftp-server.ts'
import { TOOLBOX_BUSYBOX, TOOLBOX_SFTP_SERVER } from '../../../containers/toolbox.ts'
import { NodeError } from '../../../errors.ts'
import type { SessionOf } from '../../../protocols/session.ts'
import { attend } from './exec-session.ts'
import type { SessionRun } from './session-run.ts'

/** In the home folder, as a login is; the image may have none. */
const GO_HOME = `cd "\${HOME:-/}" 2>/dev/null || cd /\n`

/** $@ arguments for the shell: the image's own, else the toolbox's, whose applets are then its programs. */
const WITH_SHELL = `${GO_HOME}
for shell in "$SHELL" /bin/bash /usr/bin/bash /bin/sh /usr/bin/sh; do
  [ -x "$shell" ] || continue
  export SHELL="$shell"
  exec "$shell" "$@"
done
exec ${TOOLBOX_BUSYBOX} sh "$@"`

const SFTP = `${GO_HOME}
for server in ${[...SFTP_SERVER_PLACES, '/usr/libexec/sftp-server', TOOLBOX_SFTP_SERVER].join(' ')}; do
  [ -x "$server" ] && exec "$server"
done
echo "no sftp-server in the image, and none in the miner's toolbox (compute-node doctor)" >&2
exit 127`

/**
 * What an SSH client asks for: bytes both ways until it ends or its renter leaves. As with an SSH server, what it left
 * in the background then runs on: editors find their servers again.
 */
export async function runLogin(run: SessionRun<SessionOf<'login'>>): Promise<void> {
  const { container, request } = run
  const { tty, env } = request
  const exec = await container.exec(commandOf(container, request), {
    env,
    tty: tty !== undefined,
    ...(tty === undefined ? {} : { size: tty }),
  })
  await attend(exec, run, 'command')
}

function commandOf({ tools }: Container, { run, line, tty }: SessionOf<'login'>): string[] {
  const shell = tools.includes('busybox') ? [TOOLBOX_BUSYBOX, 'sh'] : ['/bin/sh']
  // The engine sets the size when the command runs already: too late for one that is quick.
  const sized = tty === undefined ? '' : `stty rows ${tty.rows} cols ${tty.columns} 2>/dev/null\n`
  switch (run) {
    case 'sftp':
      return [...shell, '-c', SFTP]
    case 'shell':
      return [...shell, '-c', sized + WITH_SHELL, 'sh', '-l']
    case 'command':
      if (line === undefined) throw new NodeError('BAD_MESSAGE', 'a command needs its line')
      return [...shell, '-c', sized + WITH_SHELL, 'sh', '-c', line]
  }
}
