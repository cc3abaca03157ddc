import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { extract, type Pack, pack } from 'tar-stream'
import { NodeError } from '../errors.ts'
import { MiB } from '../units.ts'

/** The files of an image archive that name the image; no digest covers them. `index.json`: engines since Docker 25. */
const NAMING: ReadonlySet<string> = new Set(['manifest.json', 'repositories', 'index.json'])
const MAX_NAMING_BYTES = MiB

/**
 * An image archive as `docker save` writes it, the same but for the image's name: an engine is never asked to give one
 * of its own images a name that somebody else chose. Both names are `path:tag`.
 */
export function renameImage(archive: Readable, from: string, to: string): Readable {
  const read = extract()
  const written = pack()
  copy(archive, read, written, from, to).catch((error: unknown) => {
    archive.destroy()
    written.destroy(error instanceof Error ? error : new Error(String(error)))
  })
  return written as unknown as Readable
}

async function copy(
  archive: Readable,
  read: ReturnType<typeof extract>,
  written: Pack,
  from: string,
  to: string,
): Promise<void> {
  archive.on('error', (error) => read.destroy(error))
  archive.pipe(read)
  for await (const entry of read) {
    const { header } = entry
    if (!NAMING.has(header.name)) {
      const out = written.entry(header)
      // A consumer that leaves ends the reading, too.
      await Promise.all([finished(entry.pipe(out) as unknown as NodeJS.WritableStream), ended(out)])
      continue
    }
    const text = named(
      await whole(entry as unknown as AsyncIterable<Uint8Array>),
      header.name,
      from,
      to,
    )
    written.entry({ ...header, size: Buffer.byteLength(text) }, text)
  }
  written.finalize()
}

const ended = (stream: unknown): Promise<void> => finished(stream as NodeJS.WritableStream)

async function whole(entry: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of entry) {
    size += part.length
    if (size > MAX_NAMING_BYTES) throw new NodeError('ENGINE_FAILED', 'the image archive is odd')
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

/** `repositories` has path and tag apart; the others have both in one, after a registry or not. */
function named(text: string, file: string, from: string, to: string): string {
  const [fromPath = '', fromTag = ''] = split(from)
  const [toPath = '', toTag = ''] = split(to)
  if (file !== 'repositories') {
    const known = text.replaceAll(
      `docker.io/${from}`,
      `docker.io/${isBare(to) ? 'library/' : ''}${to}`,
    )
    return known
      .replaceAll(from, to)
      .replaceAll(
        `"org.opencontainers.image.ref.name":"${fromTag}"`,
        `"org.opencontainers.image.ref.name":"${toTag}"`,
      )
  }
  return text.replaceAll(`"${fromPath}"`, `"${toPath}"`).replaceAll(`"${fromTag}"`, `"${toTag}"`)
}

const isBare = (name: string): boolean => !name.includes('/')
const split = (name: string): string[] => {
  const at = name.lastIndexOf(':')
  return [name.slice(0, at), name.slice(at + 1)]
}
