import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { ComputeNodeError } from '../../../client/errors.ts'
import { refusalIn } from '../../../client/http-client.ts'
import { get, http, inOurWords } from '../../app/api.ts'
import type { Told } from '../../ui/fault.ts'
import { save, saveBlob } from '../save-blob.ts'
import { leasePath } from '../use-leases.ts'

/** A file on its way, or one that has come or failed. */
export interface Transfer {
  readonly id: number
  readonly way: 'up' | 'down'
  readonly name: string
  readonly totalBytes: number
  readonly doneBytes: number
  /** hashing: its checksum is made, before it is sent. */
  readonly state: 'hashing' | 'moving' | 'done' | 'failed' | 'cancelled'
  /** Of what came, equal on both sides. */
  readonly sha256?: string
  readonly error?: Told
}

type Tell = (change: Partial<Transfer>) => void

/** What is larger is left to the browser's own downloads: a page would hold all of it. */
export const MOST_HELD_BYTES = 256 * 1024 * 1024

/** Where the content of a path in a lease lies. */
export const contentPath = (lease: string, path: string, sha?: string): string =>
  `${leasePath(lease, '/content')}?${new URLSearchParams({ path, ...(sha === undefined ? {} : { sha256: sha }) })}`

/**
 * Sends a file into a lease: its SHA-256 goes along, and the node puts it in its place only when that was right.
 * @throws ComputeNodeError; the reason of `signal`
 */
export async function upload(
  lease: string,
  path: string,
  file: File,
  tell: Tell,
  signal: AbortSignal,
): Promise<void> {
  tell({ state: 'hashing' })
  const sha = await digestOf(file, signal)
  tell({ state: 'moving', doneBytes: 0 })
  await put(contentPath(lease, path, sha), file, (doneBytes) => tell({ doneBytes }), signal)
  tell({ state: 'done', doneBytes: file.size, sha256: sha })
}

async function digestOf(file: File, signal: AbortSignal): Promise<string> {
  const hash = sha256.create()
  const reader = file.stream().getReader()
  for (;;) {
    signal.throwIfAborted()
    const { done, value } = await reader.read()
    if (done) return bytesToHex(hash.digest())
    hash.update(value)
  }
}

/** The one way of a browser to send a file from the disk and tell how far it is. */
function put(
  url: string,
  file: File,
  onSent: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const request = new XMLHttpRequest()
  request.open('PUT', url)
  request.setRequestHeader('content-type', 'application/octet-stream')
  request.upload.onprogress = ({ loaded }) => onSent(loaded)
  request.onload = () => {
    if (request.status < 300) resolve()
    else reject(refusalIn(request.responseText, request.status))
  }
  request.onerror = () => reject(new ComputeNodeError('FAILED_CONNECTION', 'The node went away'))
  request.onabort = () => reject(signal.reason)
  signal.addEventListener('abort', () => request.abort(), { once: true })
  request.send(file)
  return promise
}

/**
 * Takes a file out of a lease. What came is hashed here and compared with what the node says of it; only then it is
 * given to the person.
 */
export async function download(
  lease: string,
  path: string,
  name: string,
  tell: Tell,
  signal: AbortSignal,
): Promise<void> {
  tell({ state: 'moving' })
  const { body } = await inOurWords(http.stream({ path: contentPath(lease, path), signal }))
  const hash = sha256.create()
  const pieces: Uint8Array<ArrayBuffer>[] = []
  let doneBytes = 0
  const reader = body!.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    hash.update(value)
    pieces.push(value)
    doneBytes += value.length
    tell({ doneBytes })
  }
  const here = bytesToHex(hash.digest())
  const query = new URLSearchParams({ path })
  const there = await get<{ sha256: string }>(`${leasePath(lease, '/digest')}?${query}`, signal)
  if (there.sha256 !== here) {
    throw new ComputeNodeError('FAILED_CHECKSUM', 'what came is not what lies in the lease', {
      next: 'download it again',
    })
  }
  saveBlob(new Blob(pieces), name)
  tell({ state: 'done', totalBytes: doneBytes, sha256: here })
}

/** A folder comes as a tar archive, and what is large as it is; the browser shows how far it is. */
export const downloadByBrowser = (lease: string, path: string, name: string): void =>
  save(contentPath(lease, path), name)
