import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { TarEntry } from './tar.ts'

export interface HostBusybox {
  readonly path: string
  readonly binary: Uint8Array
  /** Names of its applets, sorted. */
  readonly applets: readonly string[]
}

const PLACES = ['/usr/bin/busybox', '/bin/busybox', '/usr/local/bin/busybox']
const ELF = Buffer.from([0x7f, 0x45, 0x4c, 0x46])
const PT_INTERP = 3

/**
 * True for a 64-bit little-endian ELF program that names no dynamic loader, so that it runs in an image that has
 * nothing else.
 */
export function isStatic(binary: Uint8Array): boolean {
  const bytes = Buffer.from(binary.buffer, binary.byteOffset, binary.byteLength)
  if (bytes.length < 64 || !bytes.subarray(0, 4).equals(ELF) || bytes[4] !== 2 || bytes[5] !== 1) {
    return false
  }
  const at = Number(bytes.readBigUInt64LE(32))
  const size = bytes.readUInt16LE(54)
  const count = bytes.readUInt16LE(56)
  if (at + size * count > bytes.length) return false
  for (let i = 0; i < count; i++) {
    if (bytes.readUInt32LE(at + i * size) === PT_INTERP) return false
  }
  return true
}

/** The host's statically linked busybox, or undefined when it has none (`apt-get install busybox-static`). */
export async function findHostBusybox(
  places: readonly string[] = PLACES,
): Promise<HostBusybox | undefined> {
  for (const path of places) {
    const binary = await readFile(path).catch(() => undefined) // absent here; `doctor` says so
    if (binary === undefined || !isStatic(binary)) continue
    const { stdout } = await promisify(execFile)(path, ['--list'])
    return {
      path,
      binary,
      applets: stdout
        .split('\n')
        .filter((name) => /^[\w.[-]+$/.test(name))
        .sort(),
    }
  }
  return undefined
}

/** The files of an image that holds this busybox, every applet linked in /bin, and the users root and nobody. */
export function busyboxRoot({ binary, applets }: HostBusybox): TarEntry[] {
  const text = (path: string, content: string): TarEntry => ({
    path,
    mode: 0o644,
    type: 'file',
    data: Buffer.from(content),
  })
  const folder = (path: string, mode: number): TarEntry => ({ path, mode, type: 'directory' })
  return [
    ...['bin/', 'etc/', 'proc/', 'sys/', 'dev/', 'run/', 'var/', 'home/'].map((p) =>
      folder(p, 0o755),
    ),
    folder('root/', 0o700),
    folder('tmp/', 0o1777),
    text(
      'etc/passwd',
      'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n',
    ),
    text('etc/group', 'root:x:0:\nnobody:x:65534:\n'),
    { path: 'bin/busybox', mode: 0o755, type: 'file', data: binary },
    ...applets
      .filter((name) => name !== 'busybox')
      .map(
        (name): TarEntry => ({
          path: `bin/${name}`,
          mode: 0o777,
          type: 'symlink',
          target: 'busybox',
        }),
      ),
  ]
}
