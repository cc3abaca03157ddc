import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { promisify } from 'node:util'

/** A program with everything that it needs to run where nothing else is. */
export interface HostProgram {
  readonly path: string
  readonly binary: Uint8Array
  /** The dynamic loader and the shared libraries, by the name they are asked for. */
  readonly loader: Uint8Array
  readonly libraries: ReadonlyMap<string, Uint8Array>
}

/** Where distributions keep it: Debian, SUSE and Arch, Fedora. */
export const SFTP_SERVER_PLACES: readonly string[] = [
  '/usr/lib/openssh/sftp-server',
  '/usr/lib/ssh/sftp-server',
  '/usr/libexec/openssh/sftp-server',
]

/** The host's sftp-server, or undefined when it has none (`apt-get install openssh-sftp-server`). */
export async function findHostSftpServer(
  places: readonly string[] = SFTP_SERVER_PLACES,
): Promise<HostProgram | undefined> {
  for (const path of places) {
    const binary = await readFile(path).catch(() => undefined) // absent here; `doctor` says so
    if (binary === undefined) continue
    const { loader, libraries } = linkedFiles(await ldd(path))
    if (loader === undefined) continue
    return {
      path,
      binary,
      loader: await readFile(loader),
      libraries: new Map(
        await Promise.all(
          libraries.map(async (file) => [basename(file), await readFile(file)] as const),
        ),
      ),
    }
  }
  return undefined
}

/** ldd(1), wherever the node's own PATH leads. */
function ldd(path: string): Promise<{ stdout: string }> {
  const PATH = [process.env['PATH'], '/usr/bin', '/bin'].filter(Boolean).join(':')
  return promisify(execFile)('ldd', [path], { env: { PATH } })
}

/** What ldd(1) lists: `libc.so.6 => /lib/…/libc.so.6 (0x…)` for libraries, `/lib64/ld-linux-….so.2 (0x…)` for the loader. */
export function linkedFiles({ stdout }: { readonly stdout: string }): {
  readonly loader: string | undefined
  readonly libraries: readonly string[]
} {
  const lines = stdout.split('\n').map((line) => line.trim())
  const libraries = lines.flatMap((line) => / => (\/\S+) \(0x/.exec(line)?.[1] ?? [])
  const loader = lines.map((line) => /^(\/\S+) \(0x/.exec(line)?.[1]).find((file) => file)
  return { loader, libraries }
}
