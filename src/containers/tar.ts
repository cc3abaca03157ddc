/** What goes into an archive for the engine; enough for a helper binary or a small image. */
export interface TarEntry {
  readonly path: string
  /** Permission bits, e.g. 0o755. */
  readonly mode: number
  readonly type: 'file' | 'directory' | 'symlink'
  readonly data?: Uint8Array
  /** Where a symlink points. */
  readonly target?: string
}

const BLOCK_BYTES = 512
const TYPE_FLAG = { file: '0', symlink: '2', directory: '5' } as const

/** A ustar archive, all entries owned by root and of the epoch, so that the same entries give the same bytes. Paths ≤ 100 bytes. */
export function tar(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const data = entry.data ?? new Uint8Array()
    const padding = (BLOCK_BYTES - (data.length % BLOCK_BYTES)) % BLOCK_BYTES
    return [header(entry, data.length), data, Buffer.alloc(padding)]
  })
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK_BYTES)])
}

function header(entry: TarEntry, size: number): Buffer {
  if (Buffer.byteLength(entry.path) > 100) throw new RangeError(`path too long: ${entry.path}`)
  const block = Buffer.alloc(BLOCK_BYTES)
  const octal = (value: number, at: number, width: number): void => {
    block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1')
  }
  block.write(entry.path, 0)
  octal(entry.mode, 100, 8)
  octal(0, 108, 8) // uid
  octal(0, 116, 8) // gid
  octal(size, 124, 12)
  octal(0, 136, 12) // mtime
  block.write(TYPE_FLAG[entry.type], 156)
  block.write(entry.target ?? '', 157)
  block.write('ustar\0' + '00', 257, 'latin1')
  // The checksum counts its own field as spaces.
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}
