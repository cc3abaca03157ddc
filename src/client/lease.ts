import type { LeaseUsage } from '../api/lease-usage.ts'
import type { Lease as LeaseView, ReceiptsAnswer as ToldReceipts } from '../api/leases.ts'
import type { Fixed } from '../api/route.ts'
import { NodeError } from '../errors.ts'
import { type Budget, spendingKey } from './budget.ts'
import { durationOf } from './duration.ts'
import type { HttpClient } from './http-client.ts'
import { type FilesOfLease, filesOf } from './lease-files.ts'
import type { LeaseProcess } from './lease-process.ts'
import {
  type ExecOptions,
  execIn,
  type ForwardedPort,
  type ForwardOptions,
  forwardOf,
  type LeaseShell,
  type LogPiece,
  type LogsOptions,
  logsOf,
  type ShellOptions,
  shellIn,
  type UsageOptions,
  usageOf,
} from './lease-sessions.ts'

/** What every call takes: it ends the call, and rejects it with its reason. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined
}

export interface ExtendOptions extends CallOptions {
  readonly hours: number
  /** The most that the lease may cost in all, as a decimal. */
  readonly maxCost?: string | undefined
}

export interface WaitOptions extends CallOptions {
  /** What is waited for; `over` where absent. */
  readonly until?: 'running' | 'over' | undefined
  /** Told what the miner is doing, whenever that changes. */
  readonly onProgress?: ((doing: string) => void) | undefined
}

/** What a lease cost, as the node checked it; amounts are decimals in `asset`. */
export type ReceiptsAnswer = Fixed<ToldReceipts>

/** What a lease is made with. */
export interface LeaseParts {
  readonly http: HttpClient
  readonly view: LeaseView
  /** Whether it runs on when its handle is disposed of. */
  readonly keep: boolean
  /** Ends with the connection. */
  readonly life: AbortSignal
  readonly budget?: Budget | undefined
  readonly onDisposed?: (lease: AsyncDisposable) => void
}

/** One question to the node; it is asked again until the answer is the one waited for. */
const POLL_MS = 20_000
/** A node that answers at once without news is not asked in a circle. */
const AGAIN_MS = 200
/** How long a lease that was stopped may take to settle. */
const SETTLE_MS = 15_000

/** States in which commands can be run. */
const started: ReadonlySet<string> = new Set(['ACTIVE', 'GRACE', 'SUSPENDED', 'PAUSED'])

/** By this name Node's console finds what to print. */
const printed: unique symbol = Symbol.for('nodejs.util.inspect.custom')

/**
 * A lease. `await using` stops it at the end of the scope, unless it was taken with `keep`; then it runs on, and costs,
 * until it is stopped.
 */
export class Lease implements AsyncDisposable {
  readonly id: string
  /** Files in and out. */
  readonly files: FilesOfLease
  protected readonly parts: LeaseParts
  #view: LeaseView
  #isKept: boolean
  #disposing: Promise<void> | undefined

  constructor(parts: LeaseParts) {
    this.parts = parts
    this.id = parts.view.id
    this.#view = parts.view
    this.#isKept = parts.keep
    this.files = filesOf({ ...this.place, life: (signal) => this.life(signal) })
  }

  /** What was known of it when the node was last asked; `refresh` asks anew. */
  get view(): LeaseView {
    return this.#view
  }

  /** What is known of it, as `view`: for JSON.stringify. */
  toJSON(): LeaseView {
    return this.#view
  }

  /** The same for Node's console.log. */
  [printed](): LeaseView {
    return this.#view
  }

  /** Lets it run on when the handle is disposed of. */
  keep(): this {
    this.#isKept = true
    return this
  }

  /** Asks what is known of it now. */
  refresh({ signal }: CallOptions = {}): Promise<LeaseView> {
    return this.#told(
      this.parts.http.ask<LeaseView>({ path: this.path, signal: this.life(signal) }),
    )
  }

  /** Runs a command. Its handle comes at once and tells what becomes of it. */
  exec(argv: readonly string[], options: ExecOptions = {}): LeaseProcess {
    return execIn(this.place, argv, this.#living(options))
  }

  /** Opens a terminal, which survives a broken connection. */
  shell(options: ShellOptions): LeaseShell {
    return shellIn(this.place, this.#living(options))
  }

  /** What its main process printed, piece by piece; with `follow` until the lease is over. */
  logs(options: LogsOptions = {}): AsyncIterable<LogPiece> {
    return logsOf(this.place, this.#living(options))
  }

  /**
   * What it uses, once a second or every so many ms; null where its miner does not know. Ends when the signal aborts;
   * FAILED_LEASE_ENDED when the lease is over.
   */
  usage(options: UsageOptions = {}): AsyncGenerator<LeaseUsage, void, void> {
    return usageOf(this.place, this.#living(options))
  }

  /** Makes ports of it local ones. */
  readonly ports = {
    /** Listens on the node's machine for a port of the lease, until disposed. */
    forward: (port: number, options: ForwardOptions = {}): Promise<ForwardedPort> =>
      forwardOf(this.place, port, this.#living(options)),
  }

  /** Resolves once it is over, or runs; FAILED_LEASE_ENDED when it ends while it was to run. */
  async wait({ until = 'over', onProgress, signal }: WaitOptions = {}): Promise<LeaseView> {
    const own = this.life(signal)
    let before: LeaseView | undefined
    let said = ''
    for (;;) {
      own.throwIfAborted()
      const known =
        before === undefined
          ? { ms: 0 }
          : { ms: POLL_MS, said: before.progress ?? '', notState: before.state }
      const askedMs = performance.now()
      const query = { state: until, ...known }
      const path = `${this.path}/wait`
      const view = await this.#told(this.parts.http.ask<LeaseView>({ path, query, signal: own }))
      if (view.over || (until === 'running' && started.has(view.state))) {
        if (view.over && until === 'running') throw hasEnded(view)
        return view
      }
      const isNews = view.state !== before?.state || view.progress !== before.progress
      const doing = view.progress ?? view.state.toLowerCase()
      if (doing !== said) onProgress?.(doing)
      said = doing
      before = view
      if (!isNews && performance.now() - askedMs < POLL_MS / 2) await pause(AGAIN_MS)
    }
  }

  /** Moves its end; its price stays. What it may cost in all grows by that. */
  async extend({ hours, maxCost, signal }: ExtendOptions): Promise<LeaseView> {
    const addMs = durationOf(hours)
    const most = await this.parts.budget?.most(maxCost, this.#view)
    const limit = most ?? maxCost
    const body = { addMs, ...(limit === undefined ? {} : { maxCost: limit }) }
    return this.#spend('/extend', body, signal)
  }

  /** Pauses its processes; it keeps its place and costs as if it ran. */
  pause({ signal }: CallOptions = {}): Promise<LeaseView> {
    return this.#spend('/pause', {}, signal)
  }

  resume({ signal }: CallOptions = {}): Promise<LeaseView> {
    return this.#spend('/resume', {}, signal)
  }

  /** Gives it labels that this node alone knows, and removes those that are null. */
  label(
    labels: Readonly<Record<string, string | null>>,
    { signal }: CallOptions = {},
  ): Promise<LeaseView> {
    const entries = Object.entries(labels)
    const set = Object.fromEntries(entries.filter(([, value]) => value !== null))
    const remove = entries.filter(([, value]) => value === null).map(([name]) => name)
    return this.#post('/labels', { set, remove }, signal)
  }

  /** What it cost, receipt by receipt, as the node checked it. */
  receipts({ signal }: CallOptions = {}): Promise<ReceiptsAnswer> {
    return this.parts.http.ask({ path: `${this.path}/receipts`, signal: this.life(signal) })
  }

  /** Ends it and waits until it has settled, for some seconds; what is over stays so. */
  async stop({
    reason,
    signal,
  }: CallOptions & { readonly reason?: string | undefined } = {}): Promise<LeaseView> {
    await this.#post('/stop', reason === undefined ? {} : { reason }, signal)
    const settling = AbortSignal.any([this.life(signal), AbortSignal.timeout(SETTLE_MS)])
    try {
      return await this.wait({ signal: settling })
    } catch (error) {
      this.life(signal).throwIfAborted()
      if (!settling.aborted) throw error
      return this.#view
    }
  }

  /** Stops it unless it is kept or over, even when what it was used with has aborted: else it would go on to cost. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposing ??= this.#end()
    return this.#disposing
  }

  async #end(): Promise<void> {
    this.parts.onDisposed?.(this)
    if (this.#isKept || this.#view.over) return
    const signal = AbortSignal.timeout(SETTLE_MS)
    const ask = { method: 'POST', path: `${this.path}/stop`, body: {} } as const
    await this.#told(this.parts.http.ask<LeaseView>({ ...ask, signal }))
  }

  protected get path(): string {
    return `/v1/leases/${encodeURIComponent(this.id)}`
  }

  protected get place(): { readonly http: HttpClient; readonly path: string } {
    return { http: this.parts.http, path: this.path }
  }

  /** Aborts with the caller's signal and with the connection. */
  protected life(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.parts.life : AbortSignal.any([signal, this.parts.life])
  }

  #living<O extends CallOptions>(options: O): O & { readonly signal: AbortSignal } {
    return { ...options, signal: this.life(options.signal) }
  }

  #post(what: string, body: object, signal: AbortSignal | undefined): Promise<LeaseView> {
    const ask = { method: 'POST', path: `${this.path}${what}`, body } as const
    return this.#told(this.parts.http.ask<LeaseView>({ ...ask, signal: this.life(signal) }))
  }

  /** A second try after a lost answer does nothing twice. */
  #spend(what: string, body: object, signal: AbortSignal | undefined): Promise<LeaseView> {
    const ask = { method: 'POST', path: `${this.path}${what}`, body } as const
    const own = { ...ask, idempotencyKey: spendingKey(), signal: this.life(signal) }
    return this.#told(this.parts.http.askAgain<LeaseView>(own))
  }

  async #told(asked: Promise<LeaseView>): Promise<LeaseView> {
    this.#view = await asked
    return this.#view
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const hasEnded = ({ id, reason, state, ending, fault }: LeaseView): NodeError =>
  new NodeError('FAILED_LEASE_ENDED', `the lease has ended: ${reason ?? state}`, {
    ...{ lease: id, ending, fault },
    next: `compute-node show ${id.slice(0, 12)}`,
  })
