import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { busyboxRoot, isStatic } from '../../src/containers/host-busybox.ts'
import { tar } from '../../src/containers/tar.ts'

const list = (archive: Buffer): string[] =>
  execFileSync('tar', ['--numeric-owner', '-tvf', '-'], { input: archive })
    .toString()
    .trim()
    .split('\n')

test('tar(1) reads what is written', () => {
  const archive = tar([
    { path: 'bin/', mode: 0o755, type: 'directory' },
    { path: 'bin/tool', mode: 0o755, type: 'file', data: Buffer.alloc(1000, 1) },
    { path: 'bin/alias', mode: 0o777, type: 'symlink', target: 'tool' },
    { path: 'empty', mode: 0o600, type: 'file' },
  ])
  const rows = list(archive).map((row) =>
    row.replaceAll(/\s+/g, ' ').replace(/\d{4}-\d\d-\d\d \d\d:\d\d /, ''),
  )
  expect(rows).toEqual([
    'drwxr-xr-x 0/0 0 bin/',
    '-rwxr-xr-x 0/0 1000 bin/tool',
    'lrwxrwxrwx 0/0 0 bin/alias -> tool',
    '-rw------- 0/0 0 empty',
  ])
})

test('a file comes back byte for byte', () => {
  const data = Buffer.from(Array.from({ length: 1537 }, (_, i) => i % 256))
  const archive = tar([{ path: 'data', mode: 0o644, type: 'file', data }])
  expect(execFileSync('tar', ['-xOf', '-', 'data'], { input: archive })).toEqual(data)
})

test('the same entries give the same bytes', () => {
  const entries = busyboxRoot({
    path: '/x',
    binary: Buffer.from('elf'),
    applets: ['cat', 'busybox', 'sh'],
  })
  expect(tar(entries).equals(tar(entries))).toBe(true)
  expect(list(tar(entries)).filter((row) => row.includes('->'))).toHaveLength(2)
})

test('a path that does not fit is refused', () => {
  expect(() => tar([{ path: 'x'.repeat(101), mode: 0o644, type: 'file' }])).toThrow(RangeError)
})

/** A 64-bit ELF header with program headers of these types. */
const elf = (types: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(64 + 56 * types.length)
  bytes.write('\x7fELF\x02\x01', 'latin1')
  bytes.writeBigUInt64LE(64n, 32)
  bytes.writeUInt16LE(56, 54)
  bytes.writeUInt16LE(types.length, 56)
  for (const [i, type] of types.entries()) bytes.writeUInt32LE(type, 64 + 56 * i)
  return bytes
}

test.each([
  ['a program without a loader', elf([1, 1, 4]), true],
  ['a program with a loader', elf([6, 3, 1]), false],
  ['a script', Buffer.from('#!/bin/sh\n'.repeat(20)), false],
  ['headers beyond the end', elf([1]).subarray(0, 80), false],
])('%s', (_, bytes, expected) => {
  expect(isStatic(bytes)).toBe(expected)
})
