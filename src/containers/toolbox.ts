import { hash } from 'node:crypto'
import { findHostBusybox, type HostBusybox } from './host-busybox.ts'
import { findHostSftpServer, type HostProgram } from './host-sftp-server.ts'
import { type TarEntry, tar } from './tar.ts'

/** Where the toolbox lies in a container; nothing in it needs anything of the image. */
export const TOOLBOX_PATH = '/.cn'
export const TOOLBOX_BUSYBOX = `${TOOLBOX_PATH}/busybox`
export const TOOLBOX_SFTP_SERVER = `${TOOLBOX_PATH}/sftp-server`
/** The archive's last file: a toolbox that has it is whole. */
export const TOOLBOX_MARK = `${TOOLBOX_PATH}/complete`

/** Programs of this host for the containers on it: a shell, `nc`, an SFTP server. */
export interface Toolbox {
  /** Of its content: the same host programs give the same. */
  readonly id: string
  /** What is in it. */
  readonly tools: readonly Tool[]
  /** To be unpacked at `/`, about 4 MB. */
  readonly archive: Buffer
}

export type Tool = 'busybox' | 'sftp-server'

/** A toolbox as leases mount it, read-only. */
export interface ToolboxVolume {
  readonly name: string
  readonly tools: readonly Tool[]
}

/**
 * The toolbox that this host's programs make: a static busybox, and an sftp-server with its loader and libraries
 * (notes/containers.md §3). Undefined without a static busybox.
 */
export async function makeToolbox(
  findBusybox = findHostBusybox,
  findSftpServer = findHostSftpServer,
): Promise<Toolbox | undefined> {
  const [busybox, sftpServer] = await Promise.all([findBusybox(), findSftpServer()])
  if (busybox === undefined) return undefined
  const entries = toolboxEntries(busybox, sftpServer)
  const archive = tar(entries)
  return {
    id: hash('sha256', archive).slice(0, 12),
    tools: sftpServer === undefined ? ['busybox'] : ['busybox', 'sftp-server'],
    archive,
  }
}

function toolboxEntries(busybox: HostBusybox, sftpServer: HostProgram | undefined): TarEntry[] {
  return [
    folder(`${TOOLBOX_PATH}/`),
    program(TOOLBOX_BUSYBOX, busybox.binary),
    ...(sftpServer === undefined ? [] : sftpEntries(sftpServer)),
    program(TOOLBOX_MARK, Buffer.from('')),
  ]
}

/** The image may have no loader, or another one: the program is started by its own. */
function sftpEntries({ binary, loader, libraries }: HostProgram): TarEntry[] {
  const lib = `${TOOLBOX_PATH}/lib`
  const start = `#!${TOOLBOX_BUSYBOX} sh\nexec ${lib}/loader --library-path ${lib} ${lib}/sftp-server "$@"\n`
  return [
    folder(`${lib}/`),
    program(`${lib}/loader`, loader),
    ...[...libraries].map(([name, data]) => program(`${lib}/${name}`, data)),
    program(`${lib}/sftp-server`, binary),
    program(TOOLBOX_SFTP_SERVER, Buffer.from(start)),
  ]
}

const inArchive = (path: string): string => path.slice(1)
const folder = (path: string): TarEntry => ({
  path: inArchive(path),
  mode: 0o755,
  type: 'directory',
})
const program = (path: string, data: Uint8Array): TarEntry => ({
  path: inArchive(path),
  mode: 0o755,
  type: 'file',
  data,
})
