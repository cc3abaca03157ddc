// Compiles src/gpu/cuda/kernels.cu to src/gpu/cuda/kernels.ptx. Run `npm run build:ptx` after changing a kernel; it needs
// nvcc 11.8 or newer, and ptxas beside it to check that every generation of devices takes the result.
import { execFileSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = join(import.meta.dirname, '../src/gpu/cuda')
/** The committed text. */
export const PTX_FILE = join(folder, 'kernels.ptx')

/** The oldest virtual architecture with all instructions used; every later device takes it. */
const VIRTUAL = 'compute_80'
/** nvcc writes its own version, which older drivers refuse; this one (CUDA 11.0) has all that the kernels use. */
const PTX_VERSION = '7.0'
const ARCHITECTURES = ['sm_80', 'sm_86', 'sm_89', 'sm_90', 'sm_100', 'sm_120']

/** SHA-256 over the names and texts of all kernel sources. */
export function sourceHash(): string {
  const files = globSync('*.{cu,cuh}', { cwd: folder }).sort()
  return hash('sha256', files.map((f) => `${f}\n${readFileSync(join(folder, f), 'utf8')}`).join(''))
}

/** The release that nvcc says it is, e.g. `V13.0.88`; null where there is none. */
export function nvccRelease(): string | null {
  try {
    return /\bV[\d.]+/.exec(execFileSync('nvcc', ['--version'], { encoding: 'utf8' }))?.[0] ?? null
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** The whole text of kernels.ptx as nvcc makes it now. */
export function compilePtx(): string {
  const scratch = mkdtempSync(join(tmpdir(), 'build-ptx-'))
  try {
    const out = join(scratch, 'kernels.ptx')
    const options = ['-ptx', '-O3', '-std=c++17', `-arch=${VIRTUAL}`, '-o', out]
    execFileSync('nvcc', [...options, join(folder, 'kernels.cu')], { stdio: 'inherit' })
    const text = readFileSync(out, 'utf8').replace(/^\.version .*$/m, `.version ${PTX_VERSION}`)
    const head = [
      '// Generated from kernels.cu by `npm run build:ptx`; a test compares the hash of the source.',
      `// source: ${sourceHash()}`,
      `// nvcc: ${nvccRelease()}`,
    ]
    return `${head.join('\n')}\n${text}`
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

if (import.meta.main) {
  writeFileSync(PTX_FILE, compilePtx())
  for (const architecture of ARCHITECTURES) {
    execFileSync('ptxas', [`-arch=${architecture}`, '-o', '/dev/null', PTX_FILE], {
      stdio: 'inherit',
    })
    console.log(`${architecture}: assembles`)
  }
}
