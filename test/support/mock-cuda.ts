/** Builds cuda-on-cpu/, a driver library whose device is the processor, and sets it up. */
import { execFileSync, spawnSync } from 'node:child_process'
import { hash } from 'node:crypto'
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import koffi from 'koffi'

const folder = join(import.meta.dirname, 'cuda-on-cpu')
const kernelFolder = join(import.meta.dirname, '../../src/gpu/cuda')
const read = (file: string): string => readFileSync(file, 'utf8')

/** Whether there is a compiler for it. */
export const hasCompiler = (): boolean => spawnSync('g++', ['--version']).status === 0

export interface MockOrder {
  /** Streams run ahead as far as they can, the oldest first; else only what is waited for runs. */
  readonly eager?: boolean
  /** The order of a block's threads. */
  readonly threads?: 'ascending' | 'descending' | 'shuffled'
  /** Asynchronous copies happen as late as the waits allow; else at once. */
  readonly copiesLate?: boolean
}

export interface MockCuda {
  /** The library, for `createCudaBackend`. */
  readonly library: string
  /** As new: one device of compute capability 9.0 with 80 GiB, nothing held, nothing planted. */
  reset(): void
  device(facts: { devices?: number; capability?: number; memoryBytes?: number }): void
  order(order: MockOrder): void
  /** The call named fails with this CUresult after it was called `after` times. */
  fail(call: string, result: number, after?: number): void
  /** How many pieces of memory, streams, events, modules and contexts are held. */
  held(): number
  /** Matrix loads so far that shared memory could not serve at once. */
  bankConflicts(): number
  /** Which tile a block of the product makes, of tiles×tiles. */
  tileOf(block: number, tiles: number): readonly [row: number, column: number]
}

const options = [
  '-std=c++20',
  '-O2',
  '-shared',
  '-fPIC',
  '-U_FORTIFY_SOURCE',
  '-Wno-unknown-pragmas',
]

/**
 * Compiles the mock, in a few seconds, or takes what was compiled from the same sources before; `drop` leaves functions
 * out, as an old driver lacks them.
 */
export function buildMockCuda(drop: readonly string[] = []): string {
  const sources = globSync('*.cpp', { cwd: folder }).map((file) => join(folder, file))
  const headers = globSync([join(folder, '*.h'), join(kernelFolder, '*.{cu,cuh}')])
  const key = hash(
    'sha256',
    [...options, ...drop, ...[...sources, ...headers].sort().map(read)].join('\n'),
  )
  const home = join(tmpdir(), `compute-node-mock-cuda-${key.slice(0, 16)}`)
  const library = join(home, 'libcuda.so.1')
  if (existsSync(library)) return library
  mkdirSync(home, { recursive: true })
  const scratch = mkdtempSync(join(home, 'build-'))
  const renamed = drop.map((name) => `-D${name}=${name}_absent`)
  const output = join(scratch, 'libcuda.so.1')
  const header = ['-include', join(folder, 'device.h')]
  execFileSync('g++', [...options, ...renamed, ...header, '-o', output, ...sources])
  renameSync(output, library) // whole or not at all: other test files build it too
  rmSync(scratch, { recursive: true })
  return library
}

/** Loads a built mock into this process. */
export function loadMockCuda(library: string): MockCuda {
  const lib = koffi.load(library)
  const reset = lib.func('void mock_reset()')
  const device = lib.func('void mock_device(int, int, int, uint64)')
  const order = lib.func('void mock_order(int, int, int)')
  const fail = lib.func('void mock_fail(const char *, int, int)')
  const held = lib.func('int mock_held()')
  const bankConflicts = lib.func('int mock_bank_conflicts()')
  const tileOf = lib.func('void mock_tile_of(uint, uint, _Out_ uint *, _Out_ uint *)')
  return {
    library,
    reset,
    device({ devices = 1, capability = 9, memoryBytes = 80 * 2 ** 30 }) {
      device(devices, Math.floor(capability), Math.round((capability % 1) * 10), memoryBytes)
    },
    order({ eager = false, threads = 'ascending', copiesLate = false }) {
      order(+eager, ['ascending', 'descending', 'shuffled'].indexOf(threads), +copiesLate)
    },
    fail: (call, result, after = 0) => fail(call, result, after),
    held,
    bankConflicts,
    tileOf(block, tiles) {
      const [row, column]: [number][] = [[0], [0]]
      tileOf(block, tiles, row, column)
      return [row![0], column![0]]
    },
  }
}
