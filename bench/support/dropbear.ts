import { once } from 'node:events'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import Docker from 'dockerode'
import { busyboxRoot, findHostBusybox } from '../../src/containers/host-busybox.ts'
import { findHostSftpServer, type HostProgram } from '../../src/containers/host-sftp-server.ts'
import { type TarEntry, tar } from '../../src/containers/tar.ts'
import { NodeError } from '../../src/errors.ts'

const IMAGE = 'cn-bench-dropbear:1'
const LOADERS: Readonly<Record<string, string>> = {
  x64: 'lib64/ld-linux-x86-64.so.2',
  arm64: 'lib/ld-linux-aarch64.so.1',
}

/**
 * Starts an SSH server in a container of its own that lets root in with this public key, and resolves with the
 * container's address. Both end with `stack`.
 * @throws ENGINE_ABSENT where this machine lacks a program for it
 */
export async function startDropbear(
  stack: AsyncDisposableStack,
  publicKey: string,
): Promise<string> {
  const docker = new Docker()
  const image = await docker.importImage(Readable.from([tar(await filesOf(publicKey))]), {
    ...{ repo: IMAGE.split(':')[0], tag: IMAGE.split(':')[1] },
    changes: ['ENV PATH=/bin'],
  })
  await text(image as unknown as Readable)
  stack.defer(() => docker.getImage(IMAGE).remove({ force: true }))
  const container = await docker.createContainer({
    Image: IMAGE,
    Cmd: ['/bin/dropbear', '-F', '-E', '-R'],
  })
  stack.defer(() => container.remove({ force: true }))
  await container.start()
  const { NetworkSettings } = await container.inspect()
  const address = Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? ''
  await answers(address)
  return address
}

async function filesOf(publicKey: string): Promise<TarEntry[]> {
  const busybox = await findHostBusybox()
  const dropbear = await findHostSftpServer(['/usr/sbin/dropbear'])
  const sftp = await findHostSftpServer()
  if (busybox === undefined || dropbear === undefined || sftp === undefined) {
    throw new NodeError('ENGINE_ABSENT', 'no SSH server can be made of this machine’s programs', {
      next: 'apt-get install dropbear-bin openssh-sftp-server busybox-static',
    })
  }
  const folder = (path: string, mode = 0o755): TarEntry => ({ path, mode, type: 'directory' })
  const file = (path: string, data: Uint8Array, mode = 0o755): TarEntry => ({
    ...{ path, mode, type: 'file', data },
  })
  const libraries = new Map([...dropbear.libraries, ...sftp.libraries])
  return [
    ...busyboxRoot(busybox),
    ...['lib/', 'lib64/', 'usr/', 'usr/lib/', 'etc/dropbear/'].map((path) => folder(path)),
    file('bin/dropbear', dropbear.binary),
    file('usr/lib/sftp-server', sftp.binary), // where Debian's dropbear looks
    file(loaderOf(dropbear), dropbear.loader),
    ...[...libraries].map(([name, data]) => file(`lib/${name}`, data)),
    file('etc/shells', Buffer.from('/bin/sh\n'), 0o644),
    folder('root/.ssh/', 0o700),
    file('root/.ssh/authorized_keys', Buffer.from(publicKey), 0o600),
  ]
}

function loaderOf({ path }: HostProgram): string {
  const loader = LOADERS[process.arch]
  if (loader !== undefined) return loader
  throw new NodeError('ENGINE_ABSENT', `nobody said where ${path} has its loader here`)
}

async function answers(address: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    const socket = connect(22, address)
    try {
      await once(socket, 'data')
      return
    } catch (cause) {
      if (tries === 100) throw new NodeError('FAILED', 'the SSH server does not answer', { cause })
      await delay(50)
    } finally {
      socket.destroy()
    }
  }
}
