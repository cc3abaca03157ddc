import { execFile } from 'node:child_process'
import { readFile, realpath } from 'node:fs/promises'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { busyboxRoot, findHostBusybox } from '../../src/containers/host-busybox.ts'
import { linkedFiles } from '../../src/containers/host-sftp-server.ts'
import { type TarEntry, tar } from '../../src/containers/tar.ts'
import { docker } from './docker.ts'

/** As images of a distribution are: bash, rsync and an sftp-server with their libraries; made of this machine's own. */
export const SLIM_IMAGE = 'cn-test-slim:1'

const PROGRAMS = ['/bin/bash', '/usr/bin/rsync', '/usr/lib/openssh/sftp-server']

/** Makes the image, or undefined where this machine lacks one of the programs. */
export async function makeSlimImage(
  programs: readonly string[] = PROGRAMS,
  name = SLIM_IMAGE,
): Promise<string | undefined> {
  const busybox = await findHostBusybox()
  if (busybox === undefined) return undefined
  const files = new Map<string, TarEntry>()
  const folders = new Set<string>([
    'lib64/',
    'lib/',
    'usr/',
    'usr/bin/',
    'usr/lib/',
    'usr/lib/openssh/',
  ])
  const add = async (path: string, source: string): Promise<void> => {
    const data = await readFile(source)
    files.set(path, { path: path.slice(1), mode: 0o755, type: 'file', data })
  }
  for (const program of programs) {
    const found = await realpath(program).catch(() => undefined)
    if (found === undefined) return undefined
    await add(program, found)
    const { loader, libraries } = linkedFiles(await promisify(execFile)('ldd', [program]))
    if (loader === undefined) return undefined
    await add(loader, loader)
    // The loader looks into /lib; two libraries of one name do not occur.
    for (const library of libraries) await add(`/lib/${basename(library)}`, library)
  }
  const entries: TarEntry[] = [
    ...busyboxRoot(busybox),
    ...[...folders].map((path): TarEntry => ({ path, mode: 0o755, type: 'directory' })),
    ...files.values(),
  ]
  const [repo, tag] = name.split(':')
  const made = await docker.importImage(Readable.from([tar(entries)]), {
    repo,
    tag,
    changes: ['ENV PATH=/usr/bin:/bin', 'CMD ["sh"]'],
  })
  await text(made as unknown as Readable)
  return name
}
