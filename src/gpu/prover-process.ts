import { atMost } from '../at-most.ts'
import { equalBytes } from '../bytes.ts'
import { NodeError } from '../errors.ts'
import type { Log } from '../log.ts'
import { siblingModule } from '../thread.ts'
import { secondsMs } from '../units.ts'
import type { OpenedDevice, ProofSizes } from './backend.ts'
import type { BackendDevice } from './backends.ts'
import type { Bytes } from './hash.ts'
import { deviceEnv } from './pin-device.ts'
import type { FillJob, Prover } from './prover.ts'
import { type ProverLink, startProverLink } from './prover-link.ts'
import { Restarts } from './restarts.ts'

export interface ProverOptions {
  readonly device: BackendDevice
  readonly log: Log
  /** Main module of the process; it calls `serveProver`. */
  readonly module: URL
  /** A clock that never jumps, ms. */
  readonly nowMs: () => number
  /** Longest that work may go without a root; a step beyond it is stuck. */
  readonly stepTimeoutMs: number
}

/** Loading a driver, and compiling kernels for a device it sees for the first time, take seconds. */
const OPEN_TIMEOUT_MS = secondsMs(60)
const PREPARE_TIMEOUT_MS = secondsMs(120)
const STEP_TIMEOUT_MS = secondsMs(60)

/** A prover of one device in a process of its own, which starts at the first call. */
export const createProver = (device: BackendDevice, log: Log): Prover =>
  createProverProcess({
    device,
    log,
    module: siblingModule(import.meta.url, 'prover-child'),
    nowMs: () => performance.now(),
    stepTimeoutMs: STEP_TIMEOUT_MS,
  })

interface Fill {
  readonly job: FillJob
  readonly timeoutMs: number
}

/** A process and what it has been given so far. */
interface Running {
  readonly link: ProverLink
  isOpen: boolean
  sizes: ProofSizes | undefined
  fill: Fill | undefined
}

/**
 * A prover whose backend may crash or hang without harm: its process is killed at a missed deadline, and started again
 * at the next call with the sizes and the fill it had. One that keeps crashing is left alone for longer each time.
 */
export function createProverProcess(options: ProverOptions): Prover {
  const { device, log, module, nowMs, stepTimeoutMs } = options
  const name = `the ${device.backend} prover`
  const restarts = new Restarts()
  const inTurn = atMost(1)
  let running: Running | undefined
  /** The process before, until it has ended: so long it holds the device's memory. */
  let ending: ProverLink | undefined
  let sizes: ProofSizes | undefined
  let fill: Fill | undefined
  let opened: OpenedDevice | undefined
  /** The job whose roots are handed over, 0 for none; the number of the last one. */
  let current = 0
  let lastJob = 0
  let handRoot: (root: Bytes) => void = () => undefined
  /** Processes that end because their owner wants so: no crash. */
  const released = new WeakSet<ProverLink>()
  let releasing: Promise<void> | undefined
  let closed = false

  function start(): Running {
    const now = nowMs()
    if (closed) throw new NodeError('GPU_PROVER_CRASHED', `${name} was closed`)
    const waitMs = restarts.waitMs(now)
    if (waitMs > 0) throw resting(name, restarts.crashes, waitMs)
    const link: ProverLink = startProverLink({
      module,
      name,
      env: deviceEnv(device),
      onRoot: (job, root) => {
        if (job === current) handRoot(root)
      },
      onGone: (error) => {
        if (running?.link === link) running = undefined
        ending = link
        if (closed || released.has(link)) return
        const retryInMs = restarts.crashed(now, nowMs())
        const { backend } = device
        log.error('prover-gone', error, { backend, crashes: restarts.crashes, retryInMs })
      },
    })
    running = { link, isOpen: false, sizes: undefined, fill: undefined }
    return running
  }

  /** Starts one once the one before has ended; one that not even ends would be joined by ever more. */
  async function startAlone(): Promise<Running> {
    if (ending !== undefined && !(await ending.close())) throw held(name)
    ending = undefined
    return start()
  }

  /** One that could not open the device ends: a driver that was updated or came back serves a new process alone. */
  async function open(it: Running): Promise<void> {
    try {
      opened = await it.link.call('open', device, OPEN_TIMEOUT_MS)
      it.isOpen = true
      log.debug('prover-opened', { backend: device.backend, ...opened })
      if (opened.notice !== undefined) {
        log.warn('gpu-kernel-fallback', { device: opened.device, reason: opened.notice })
      }
    } catch (error) {
      released.add(it.link)
      await it.link.close()
      throw error
    }
  }

  /** A process that has the device open, the sizes asked for and, where the call reads it, the fill. */
  async function ready(withFill: boolean): Promise<ProverLink> {
    const it = running ?? (await startAlone())
    if (!it.isOpen) await open(it)
    if (sizes !== undefined && it.sizes !== sizes) {
      it.fill = undefined
      it.sizes = undefined
      const wanted = sizes
      await it.link.call('prepare', wanted, PREPARE_TIMEOUT_MS)
      it.sizes = wanted
    }
    if (withFill && fill !== undefined && it.fill !== fill) {
      const wanted = fill
      it.fill = undefined
      await it.link.call('fill', wanted.job, wanted.timeoutMs)
      it.fill = wanted
    }
    return it.link
  }

  return {
    backend: device.backend,
    get opened() {
      return opened
    },
    prepare: (wanted) =>
      inTurn(async () => {
        if (sizes?.n !== wanted.n || sizes.bytes !== wanted.bytes) sizes = { ...wanted }
        await ready(false)
      }),
    fill: (job, timeoutMs) =>
      inTurn(async () => {
        if (fill === undefined || !sameFill(fill.job, job)) fill = { job, timeoutMs }
        await ready(true)
      }),
    run(work, handle) {
      const job = ++lastJob
      running?.link.stop(job - 1)
      current = job
      handRoot = handle
      return inTurn(async () => {
        if (current !== job) return // stopped before its turn
        const link = await ready(work.work !== 'gemm')
        if (current === job) await link.call('run', { ...work, job }, stepTimeoutMs)
      })
    },
    stop() {
      current = 0
      running?.link.stop(lastJob)
    },
    async release() {
      const link = running?.link
      if (link !== undefined) {
        current = 0
        running = undefined
        ending = link
        released.add(link)
        releasing = link.close().then(() => undefined)
      }
      await releasing
    },
    openRows: (job, timeoutMs) =>
      inTurn(async () => (await ready(false)).call('openRows', job, timeoutMs)),
    openPages: (job, timeoutMs) =>
      inTurn(async () => (await ready(true)).call('openPages', job, timeoutMs)),
    openHops: (job, timeoutMs) =>
      inTurn(async () => (await ready(false)).call('openHops', job, timeoutMs)),
    async [Symbol.asyncDispose]() {
      closed = true
      await Promise.all([running?.link.close(), releasing])
    },
  }
}

const sameFill = (a: FillJob, b: FillJob): boolean =>
  a.iterations === b.iterations && equalBytes(a.seed, b.seed)

const held = (name: string): NodeError =>
  new NodeError('GPU_PROVER_CRASHED', `${name} was killed and does not end: its driver holds it`, {
    next: 'look for the driver in the kernel log (dmesg); the machine may have to be restarted',
  })

const resting = (name: string, crashes: number, waitMs: number): NodeError =>
  new NodeError(
    'GPU_PROVER_CRASHED',
    `${name} crashed ${crashes} times in a row and is left alone for ${Math.ceil(waitMs / 1000)} s`,
    { next: 'look into the log for `prover-gone`, and check the driver' },
  )
