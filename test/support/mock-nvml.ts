import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Whether this machine can build the stand-in. */
export const hasCompiler = (): boolean => spawnSync('cc', ['--version']).status === 0

/** The letters of mock-nvml.c. */
export type MockState = 'o' | 'l' | 'r' | 'd' | 'h' | 'c' | 'x' | 'm' | 'p'

export interface MockNvml extends Disposable {
  readonly library: string
  /** What the process that loads the library must find in its environment. */
  readonly env: NodeJS.ProcessEnv
  set(state: MockState): void
}

/** A libnvidia-ml built from mock-nvml.c, in a folder that goes with it; `old` lacks what old drivers lack. */
export function buildMockNvml({ old = false } = {}): MockNvml {
  const folder = mkdtempSync(join(tmpdir(), 'mock-nvml-'))
  const library = join(folder, 'libnvidia-ml.so.1')
  const source = join(import.meta.dirname, 'mock-nvml.c')
  execFileSync('cc', ['-shared', '-fPIC', ...(old ? ['-DOLD'] : []), '-o', library, source])
  const stateFile = join(folder, 'state')
  const set = (state: MockState): void => writeFileSync(stateFile, state)
  set('o')
  return {
    library,
    env: { ...process.env, MOCK_NVML_STATE: stateFile },
    set,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}
