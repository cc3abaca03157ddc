import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { BackendDevice } from '../../src/gpu/backends.ts'
import { openBackend } from '../../src/gpu/backends.ts'
import { createProverProcess } from '../../src/gpu/prover-process.ts'
import { type Fields, type Log, silent } from '../../src/log.ts'
import { Fault, readRoot, seedOf } from '../support/faults.ts'
import { requireOrSkip } from '../support/skips.ts'

const support = new URL('../support/', import.meta.url)
const sizes = { n: 256, bytes: 1 << 19 }
const hasProc = requireOrSkip(process.platform === 'linux', 'the process list of Linux')

interface Logged extends Fields {
  readonly event: string
}

/** A prover of faulty-prover.ts, and what it logged. */
function faulty(over: Partial<Parameters<typeof createProverProcess>[0]> = {}) {
  const logged: Logged[] = []
  const log: Log = {
    ...silent,
    error: (event, _, fields) => void logged.push({ event, ...fields }),
    child: () => log,
  }
  // Hours between any two looks: it never rests, unless a test has a clock of its own.
  let hours = 0
  const prover = createProverProcess({
    device: { backend: 'cpu' },
    log,
    module: new URL('faulty-prover.ts', support),
    nowMs: () => ++hours * 3_600_000,
    stepTimeoutMs: 60_000,
    ...over,
  })
  onTestFinished(() => prover[Symbol.asyncDispose]())
  /** Steps of a chain, or passes, until `count` roots have come. */
  const roots = async (fault: number, count = 1, work: 'gemm' | 'residency' = 'gemm') => {
    const handed: Uint8Array[] = []
    await prover.run({ work, seed: seedOf(fault) }, (root) => {
      handed.push(root)
      if (handed.length >= count) prover.stop()
    })
    return handed
  }
  const pid = async (): Promise<number> => readRoot((await roots(Fault.none))[0]!).pid
  return { prover, logged, roots, pid }
}

const isRunning = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
const untilGone = (pid: number) =>
  vi.waitFor(() => expect(isRunning(pid)).toBe(false), { timeout: 30_000, interval: 50 })

test('a killed process rejects its call; the next one has the sizes and the fill it had', async () => {
  const { prover, roots, pid, logged } = faulty()
  await prover.prepare(sizes)
  await prover.fill({ seed: seedOf(Fault.none), iterations: 4 }, 60_000)
  const before = await roots(Fault.none, 1, 'residency')
  const first = await pid()
  let handed = 0
  const killed = prover.run({ work: 'gemm', seed: seedOf(Fault.slow) }, () => {
    if (++handed === 1) process.kill(first, 'SIGKILL')
  })
  await expect(killed).rejects.toMatchObject({
    code: 'GPU_PROVER_CRASHED',
    details: { signal: 'SIGKILL', exitCode: null },
    next: expect.stringContaining('doctor'),
  })
  expect(await roots(Fault.none, 1, 'residency')).toEqual(before)
  expect(await pid()).not.toBe(first)
  expect(logged).toEqual([{ event: 'prover-gone', backend: 'cpu', crashes: 1, retryInMs: 0 }])
})

test('a process killed while idle is noticed, and replaced at the next call', async () => {
  const { prover, pid, logged } = faulty()
  await prover.prepare(sizes)
  const first = await pid()
  process.kill(first, 'SIGKILL')
  await vi.waitFor(() => expect(logged).toHaveLength(1), { timeout: 30_000 })
  expect(await pid()).not.toBe(first)
})

test('an exit tells its code and what was written last', async () => {
  const { roots } = faulty()
  await expect(roots(Fault.exit)).rejects.toMatchObject({
    code: 'GPU_PROVER_CRASHED',
    message: expect.stringContaining('exit code 7'),
    details: { exitCode: 7, signal: null, stderr: 'driver: first\ndriver: lost the device' },
  })
  await expect(roots(Fault.abort)).rejects.toMatchObject({ details: { signal: 'SIGABRT' } })
})

test.each([
  ['one of its threads', Fault.lostThread, 'a thread ended'],
  ['its device', Fault.lostDevice, 'the device was lost'],
  ['its driver', Fault.lostDriver, 'the driver was lost'],
])('a backend that lost %s ends its process: nothing in it could go on', async (_, fault, said) => {
  const { prover, roots } = faulty()
  await prover.prepare(sizes)
  await expect(roots(fault)).rejects.toMatchObject({
    code: 'GPU_PROVER_CRASHED',
    details: { exitCode: 1, stderr: expect.stringContaining(said) },
  })
  expect(await roots(Fault.none)).toHaveLength(1)
})

test('a process that cannot open its device is replaced at the next call: its driver may be another one by then', async () => {
  const { prover, logged } = faulty({ device: { backend: 'cuda', uuid: 'GPU-0' } })
  const refused = async (): Promise<string> => {
    const error = await prover.prepare(sizes).catch((caught) => caught)
    expect(error).toMatchObject({
      code: 'GPU_PROVER_FAILED',
      details: { reason: 'GPU_DRIVER_OLD' },
    })
    return error.message
  }
  expect(await refused()).not.toBe(await refused())
  expect(logged).toEqual([]) // told by the error alone
})

test('a flood on stderr is read and dropped', async () => {
  const { prover, roots, pid } = faulty()
  await prover.prepare(sizes)
  const error = await roots(Fault.flood).catch((caught) => caught)
  expect(error).toMatchObject({ code: 'GPU_PROVER_CRASHED', details: { exitCode: 1 } })
  expect(error.message.length).toBeLessThan(2000)
  expect(await pid()).toBeGreaterThan(0)
})

test.skipIf(!hasProc)('a hang is killed at its deadline, in any call', async () => {
  const { prover, roots, pid } = faulty({ stepTimeoutMs: 3000 })
  await prover.prepare(sizes)
  const first = await pid()
  await expect(roots(Fault.freeze)).rejects.toMatchObject({
    code: 'GPU_PROVER_TIMEOUT',
    next: expect.any(String),
  })
  expect(await pid()).not.toBe(first)
  expect(isRunning(first)).toBe(false) // it held the device's memory: the next one waits for its end
  const frozenFill = prover.fill({ seed: seedOf(Fault.freeze), iterations: 1 }, 300)
  await expect(frozenFill).rejects.toMatchObject({ code: 'GPU_PROVER_TIMEOUT' })
  const statement = { seed: seedOf(0), openSeed: seedOf(0), n: 256, steps: 1, ticks: 1 }
  const limits = { minN: 256, maxN: 256, maxTicks: 1, rowSamples: 1 }
  const job = { statement: { ...statement, closing: seedOf(0) }, counts: [1], limits }
  await expect(prover.openRows(job, 300)).rejects.toMatchObject({ code: 'GPU_PROVER_TIMEOUT' })
  expect(await pid()).not.toBe(first)
})

test('a long run is no hang: each root starts the deadline anew', async () => {
  const { prover, roots } = faulty({ stepTimeoutMs: 4000 })
  await prover.prepare(sizes)
  const [first, ...rest] = (await roots(Fault.slow, 250)).map(readRoot)
  expect(rest.at(-1)!.madeMs - first!.madeMs).toBeGreaterThan(4000)
})

test('a backend that throws is GPU_PROVER_FAILED with its reason and next step', async () => {
  const { prover, roots, pid } = faulty()
  await prover.prepare(sizes)
  const first = await pid()
  await expect(roots(Fault.fail)).rejects.toMatchObject({
    code: 'GPU_PROVER_FAILED',
    message: expect.stringContaining('no memory left'),
    details: { reason: 'GPU_FULL' },
    next: 'buy more',
  })
  expect(await pid()).toBe(first)
})

test('a stop is heard between steps that block the process', async () => {
  const { prover, roots } = faulty()
  await prover.prepare(sizes)
  await prover.fill({ seed: seedOf(Fault.none), iterations: 1 }, 60_000)
  // Passes never end by themselves, and no pass of this backend lets the event loop turn.
  expect(await roots(Fault.none, 3, 'residency')).toHaveLength(3)
  expect(await roots(Fault.slow, 3)).toHaveLength(3)
})

test('a job stopped before its turn does nothing; a new job ends the one before', async () => {
  const { prover, roots } = faulty()
  await prover.prepare(sizes)
  const [older, newer]: number[][] = [[], []]
  const seen = (list: number[] | undefined) => (root: Uint8Array) =>
    void list!.push(readRoot(root).fault)
  const first = prover.run({ work: 'gemm', seed: seedOf(Fault.slow) }, (root) => {
    seen(older)(root)
    if (older!.length > 1) return
    const second = prover.run({ work: 'gemm', seed: seedOf(Fault.none) }, (next) => {
      seen(newer)(next)
      if (newer!.length === 5) prover.stop()
    })
    void second.then(() => newer!.push(-1))
  })
  await first
  await vi.waitFor(() => expect(newer).toEqual([0, 0, 0, 0, 0, -1]), { timeout: 30_000 })
  expect(older).toEqual([Fault.slow])
  const never = prover.run({ work: 'gemm', seed: seedOf(Fault.freeze) }, () => undefined)
  prover.stop()
  await never
  expect(await roots(Fault.none)).toHaveLength(1)
})

test('one that keeps crashing is left alone for longer each time, and says so', async () => {
  let nowMs = 0
  const { roots, logged } = faulty({ nowMs: () => nowMs })
  const crash = () => expect(roots(Fault.exit)).rejects.toMatchObject({ details: { exitCode: 7 } })
  const refused = () =>
    expect(roots(Fault.none)).rejects.toMatchObject({
      code: 'GPU_PROVER_CRASHED',
      message: expect.stringContaining('left alone'),
    })
  await crash()
  await crash()
  await refused()
  nowMs += 5000
  await crash()
  nowMs += 5000
  await refused()
  nowMs += 5000
  expect(await roots(Fault.none)).toHaveLength(1)
  expect(logged.map(({ crashes, retryInMs }) => [crashes, retryInMs])).toEqual([
    [1, 0],
    [2, 5000],
    [3, 10_000],
  ])
})

test('a parent that does not read makes the work wait', async () => {
  const { prover } = faulty()
  await prover.prepare(sizes)
  await prover.fill({ seed: seedOf(Fault.clock), iterations: 1 }, 60_000)
  let [unblockedMs, early] = [0, 0]
  await prover.run({ work: 'residency', seed: seedOf(Fault.none) }, (root) => {
    if (unblockedMs === 0) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4000)
      unblockedMs = Date.now()
    }
    if (readRoot(root).madeMs < unblockedMs) early += 1
    else prover.stop()
  })
  // What the child may hold back, and what the channel takes.
  expect(early).toBeLessThan(10_000)
})

test.skipIf(!hasProc)('it is given what drivers need, and nothing else', async () => {
  vi.stubEnv('COMPUTE_NODE_SECRET', 'sesame')
  vi.stubEnv('CUDA_VISIBLE_DEVICES', '0')
  const file = openSync(new URL(import.meta.url), 'r')
  onTestFinished(() => {
    vi.unstubAllEnvs()
    closeSync(file)
  })
  const { prover, pid } = faulty()
  await prover.prepare(sizes)
  const child = await pid()
  const variables = readFileSync(`/proc/${child}/environ`, 'utf8').split('\0')
  expect(variables).toContain('CUDA_VISIBLE_DEVICES=0')
  expect(variables.join()).not.toContain('sesame')
  const unknown = variables.filter((v) => /TOKEN|NODE_OPTIONS|VITEST|npm_/.test(v))
  expect(unknown).toEqual([])
  const open = readdirSync(`/proc/${child}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${child}/fd/${fd}`)
    } catch {
      return '' // closed meanwhile
    }
  })
  expect(open).not.toContain(new URL(import.meta.url).pathname)
})

test.skipIf(!hasProc)(
  'signals of a terminal do not end it; disposal does, also by force',
  async () => {
    const { prover, roots, pid } = faulty()
    await prover.prepare(sizes)
    const child = await pid()
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(child, signal)
    expect(await pid()).toBe(child)
    await roots(Fault.endless)
    await prover[Symbol.asyncDispose]()
    expect(isRunning(child)).toBe(false)
    await expect(roots(Fault.none)).rejects.toMatchObject({ code: 'GPU_PROVER_CRASHED' })
  },
)

test('disposal rejects what is under way', async () => {
  const { prover } = faulty()
  await prover.prepare(sizes)
  const under = prover.run({ work: 'gemm', seed: seedOf(Fault.slow) }, () => {
    void prover[Symbol.asyncDispose]()
  })
  await expect(under).rejects.toMatchObject({ code: 'GPU_PROVER_CRASHED' })
})

test.skipIf(!hasProc).each(['idle', 'frozen'])(
  'kill -9 of the parent leaves no orphan: %s',
  async (state) => {
    const parent = spawn(process.execPath, [new URL('prover-parent.ts', support).pathname, state], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void parent.kill('SIGKILL'))
    const [line] = await once(createInterface({ input: parent.stdout! }), 'line')
    const child = Number(line)
    expect(isRunning(child)).toBe(true)
    parent.kill('SIGKILL')
    await untilGone(child)
  },
)

test.skipIf(!hasProc)('an idle prover keeps no process alive', async () => {
  const parent = spawn(process.execPath, [new URL('prover-parent.ts', support).pathname, 'done'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void parent.kill('SIGKILL'))
  const exit = once(parent, 'exit')
  const [line] = await once(createInterface({ input: parent.stdout! }), 'line')
  expect(await exit).toEqual([0, null])
  await untilGone(Number(line))
})

test('a backend that there is not is named, with those there are', async () => {
  await expect(
    openBackend({ backend: 'abacus' } as unknown as BackendDevice),
  ).rejects.toMatchObject({ code: 'GPU_NO_BACKEND', next: expect.stringContaining('cpu') })
})

test('a device that is given back is taken again with sizes and fill, and that is no crash', async () => {
  const { prover, logged, roots, pid } = faulty()
  await prover.prepare(sizes)
  await prover.fill({ seed: seedOf(Fault.none), iterations: 1 }, 60_000)
  const before = await roots(Fault.none, 2, 'residency')
  const first = await pid()
  await prover.release()
  await prover.release()
  await untilGone(first)
  expect(await roots(Fault.none, 2, 'residency')).toEqual(before)
  expect(await pid()).not.toBe(first)
  expect(logged).toEqual([])
})

test('what is under way when a device is given back fails, and what comes after does not', async () => {
  const { prover, logged, roots } = faulty()
  const endless = prover.run({ work: 'gemm', seed: seedOf(Fault.slow) }, () => {
    void prover.release()
  })
  await expect(endless).rejects.toMatchObject({ code: 'GPU_PROVER_CRASHED' })
  expect(await roots(Fault.none)).toHaveLength(1)
  expect(logged).toEqual([])
})
