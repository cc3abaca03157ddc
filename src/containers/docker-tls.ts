import { readFile, stat } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type Docker from 'dockerode'
import { messageOf, NodeError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { TlsFiles } from './docker-address.ts'

/** PEM: whom to trust, and who this node is to an engine. */
export interface DockerTls {
  readonly ca: Buffer
  readonly cert: Buffer
  readonly key: Buffer
}

/**
 * Reads the files that an engine's TLS takes.
 * @throws BAD_CONFIG_ENGINE for one that is missing or unreadable, and for a key that others may read
 */
export async function readDockerTls({ ca, cert, key }: TlsFiles): Promise<DockerTls> {
  await requireSecret(key)
  return { ca: await readPem(ca), cert: await readPem(cert), key: await readPem(key) }
}

/**
 * Gives a client of an engine the files as they are now, for its next connections; those that stand go on. Files that are
 * no good, e.g. because they are being replaced one after the other, leave it what it has. Never rejects.
 */
export async function renewDockerTls(docker: Docker, files: TlsFiles, log: Log): Promise<void> {
  const modem = docker.modem as Partial<DockerTls>
  try {
    const found = await readDockerTls(files)
    const isNew = (['ca', 'cert', 'key'] as const).some((part) => !modem[part]?.equals(found[part]))
    if (!isNew) return
    createSecureContext(found) // throws for a certificate that is of another key
    Object.assign(modem, found)
    log.info('engine-tls-renewed')
  } catch (error) {
    log.warn('engine-tls-not-renewed', { reason: messageOf(error) })
  }
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
