import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { busyboxRoot, findHostBusybox } from '../../src/containers/host-busybox.ts'
import { type TarEntry, tar } from '../../src/containers/tar.ts'
import { docker } from './docker.ts'

/**
 * Makes an image of busybox and of shell scripts, by their names, that stand in for programs; they lie in a folder that is
 * on no path but the image's own. Undefined where this machine lacks a static busybox.
 */
export async function makeScriptImage(
  name: string,
  place: string,
  scripts: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const busybox = await findHostBusybox()
  if (busybox === undefined) return undefined
  const folder = `${place.slice(1)}/`
  const entries: TarEntry[] = [
    ...busyboxRoot(busybox),
    { path: 'opt/', mode: 0o755, type: 'directory' },
    { path: folder, mode: 0o755, type: 'directory' },
    ...Object.entries(scripts).map(
      ([program, content]): TarEntry => ({
        ...{ path: `${folder}${program}`, mode: 0o755, type: 'file', data: Buffer.from(content) },
      }),
    ),
  ]
  const [repo, tag] = name.split(':')
  const made = await docker.importImage(Readable.from([tar(entries)]), {
    ...{ repo, tag, changes: [`ENV PATH=${place}:/bin`, 'CMD ["sh"]'] },
  })
  await text(made as unknown as Readable)
  return name
}
