import { readFile, stat } from 'node:fs/promises'
import { messageOf, NodeError } from '../errors.ts'
import type { TlsFiles } from './docker-address.ts'

/** PEM: whom to trust, and who this node is to an engine. */
export interface DockerTls {
  readonly ca: Buffer
  readonly cert: Buffer
  readonly key: Buffer
}

/**
 * Reads the files that an engine's TLS takes, when the engine is opened.
 * @throws BAD_CONFIG_ENGINE for one that is missing or unreadable, and for a key that others may read
 */
export async function readDockerTls({ ca, cert, key }: TlsFiles): Promise<DockerTls> {
  await requireSecret(key)
  return { ca: await readPem(ca), cert: await readPem(cert), key: await readPem(key) }
}

async function readPem(path: string): Promise<Buffer> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw wrong(
      `cannot read ${path}: ${messageOf(cause)}`,
      'check the path in "tls", and its rights',
    )
  })
  if (bytes.includes('-----BEGIN ')) return bytes
  throw wrong(`${path} is no PEM file`, 'name the files that docker --tlsverify takes')
}

/** The key of an engine is root on its machine. */
async function requireSecret(path: string): Promise<void> {
  const found = await stat(path).catch((cause: unknown) => {
    throw wrong(
      `cannot read ${path}: ${messageOf(cause)}`,
      'check the path in "tls", and its rights',
    )
  })
  if ((found.mode & 0o077) === 0) return
  const mode = (found.mode & 0o777).toString(8)
  throw wrong(
    `${path} may be read by others (mode ${mode}): it is root on the engine's machine`,
    `chmod 600 ${path}`,
  )
}

const wrong = (message: string, next: string): NodeError =>
  new NodeError('BAD_CONFIG_ENGINE', message, { next })
