import { NodeError } from '../errors.ts'
import { KiB } from '../units.ts'
import type { ByteReader } from './byte-reader.ts'

/** One entry between us and busybox's tar(1): its contents, or the padding, follow the header. */
export interface SmallTarEntry {
  readonly type: 'file' | 'link'
  readonly path: string
  readonly size: number
  readonly mode: number
  /** Unix seconds. */
  readonly mtime: number
  /** Where a link leads. */
  readonly target: string
}

const BLOCK = 512
/** Names above 100 bytes go into an entry of their own, of at most this. */
const LONG_BYTES = 8 * KiB
const LONG_NAME = 0x4c
const LONG_TARGET = 0x4b
const FILE = 0x30
const LINK = 0x32
const FOLDER = 0x35
/** Twelve octal digits and no more; beyond that GNU writes the number itself. */
const OCTAL_BYTES = 8 ** 11

/** How many bytes fill the last block of contents. */
export const tarPadding = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK
export const tarEnd = (): Buffer => Buffer.alloc(2 * BLOCK)

/** The header of an entry, with GNU's entries for long names before it; it belongs to whoever unpacks it. */
export function tarHeader({ type, path, size, mode, mtime, target }: SmallTarEntry): Buffer {
  const own = block(type === 'file' ? FILE : LINK, path, { size, mode, mtime, target })
  return Buffer.concat([...long(LONG_NAME, path), ...long(LONG_TARGET, target), own])
}

/** The header of a folder, whose path ends with a slash. */
export function tarFolder(path: string, { mode, mtime }: { mode: number; mtime: number }): Buffer {
  const own = block(FOLDER, path, { size: 0, mode, mtime, target: '' })
  return Buffer.concat([...long(LONG_NAME, path), own])
}

function long(flag: number, text: string): Buffer[] {
  const bytes = Buffer.from(`${text}\0`)
  if (bytes.length <= 100) return []
  const head = block(flag, '././@LongLink', { size: bytes.length, mode: 0, mtime: 0, target: '' })
  return [head, bytes, Buffer.alloc(tarPadding(bytes.length))]
}

function block(
  flag: number,
  path: string,
  { size, mode, mtime, target }: Pick<SmallTarEntry, 'size' | 'mode' | 'mtime' | 'target'>,
): Buffer {
  const head = Buffer.alloc(BLOCK)
  const octal = (value: number, at: number, width: number): void => {
    head.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1')
  }
  head.set(Buffer.from(path).subarray(0, 100), 0)
  octal(mode, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  if (size < OCTAL_BYTES) octal(size, 124, 12)
  else {
    head[124] = 0x80
    head.writeBigUInt64BE(BigInt(size), 128)
  }
  octal(mtime, 136, 12)
  head[156] = flag
  head.set(Buffer.from(target).subarray(0, 100), 157)
  head.write('ustar  \0', 257, 'latin1') // GNU's: the long names are
  octal(checksum(head), 148, 7)
  head[155] = 0x20
  return head
}

/** It counts its own field as blanks. */
function checksum(head: Buffer): number {
  let sum = 8 * 0x20
  for (let at = 0; at < BLOCK; at++) if (at < 148 || at >= 156) sum += head[at]!
  return sum
}

/**
 * The next entry of an archive, undefined at its end; read its contents and padding before the one after.
 * @throws ENGINE_FILES for whatever is neither a file nor a link, or malformed
 */
export async function readTarHeader(from: ByteReader): Promise<SmallTarEntry | undefined> {
  const names = new Map<number, string>()
  for (;;) {
    const head = await from.exactly(BLOCK)
    if (head === undefined || head.every((byte) => byte === 0)) return undefined
    if (numberAt(head, 148, 8) !== checksum(head)) throw malformed('a checksum is wrong')
    const flag = head[156]!
    const size = numberAt(head, 124, 12)
    if (flag === LONG_NAME || flag === LONG_TARGET) {
      names.set(flag, await longName(from, size))
      continue
    }
    if (flag !== FILE && flag !== 0 && flag !== LINK) throw malformed(`an entry of type ${flag}`)
    return {
      type: flag === LINK ? 'link' : 'file',
      path: names.get(LONG_NAME) ?? textAt(head, 0, 100),
      size: flag === LINK ? 0 : size,
      mode: numberAt(head, 100, 8) & 0o7777,
      mtime: numberAt(head, 136, 12),
      target: names.get(LONG_TARGET) ?? textAt(head, 157, 100),
    }
  }
}

async function longName(from: ByteReader, size: number): Promise<string> {
  if (size > LONG_BYTES) throw malformed('a name is too long')
  const bytes = await from.exactly(size + tarPadding(size))
  if (bytes === undefined) throw malformed('it ends early')
  return textAt(bytes, 0, size)
}

function textAt(bytes: Buffer, at: number, length: number): string {
  const field = bytes.subarray(at, at + length)
  const end = field.indexOf(0)
  return field.subarray(0, end < 0 ? length : end).toString('utf8')
}

function numberAt(bytes: Buffer, at: number, length: number): number {
  const text = textAt(bytes, at, length).trim()
  if (!/^[0-7]*$/.test(text)) throw malformed('a number is none')
  return Number.parseInt(text || '0', 8)
}

const malformed = (why: string): NodeError =>
  new NodeError('ENGINE_FILES', `the container's archive is malformed: ${why}`)
