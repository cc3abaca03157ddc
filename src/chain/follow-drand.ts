import { type BeaconInfo, roundAt, timeOf } from '../beacon.ts'
import { type NowMs, sleep } from '../clock.ts'
import { codeOf, messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import { fetchRound } from './drand.ts'
import { DrandServers } from './drand-servers.ts'
import type { PulseSink } from './pulses.ts'

export interface DrandOptions {
  readonly urls: readonly string[]
  readonly chainHash: string
  readonly beacon: BeaconInfo
  readonly log: Log
  readonly nowMs: NowMs
  /** For tests: what makes pauses differ. */
  readonly random?: () => number
}

/** A server that is slower than this is no use to a window of 3 s: the next one is asked. */
const TIMEOUT_MS = 1500
/** Between two questions for a round that is not out yet; it grows by half each time. */
const FIRST_RETRY_MS = 150
const LAST_RETRY_MS = 600
/** Rounds that a node which was away asks for: what decides whether a round starts a slot (spacing). */
const BACK_ROUNDS = 60
/** Between two questions for rounds of the past: public servers are shared. */
const BACK_PAUSE_MS = 50
/** Every so many rounds one is asked for too early: only so a clock that is behind shows when nobody gossips. */
const EARLY_EVERY = 20
const EARLY_MS = 700
/** Rounds in a row that must stay away before a person is told. */
const WARN_AFTER = 3

type Outcome = 'taken' | 'early' | 'failed'

/**
 * Asks drand servers for every round at its scheduled time and hands what they tell to `sink`, which verifies it;
 * rounds that `sink` has by other ways are not asked for. What was missed is fetched in the quiet between rounds.
 * Nothing stops it but `signal`; while no server helps, one warning says so.
 */
export async function followDrand(
  sink: PulseSink,
  options: DrandOptions,
  signal: AbortSignal,
): Promise<void> {
  const follower = new DrandFollower(sink, options, signal)
  while (!signal.aborted) {
    try {
      await follower.round()
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
}

class DrandFollower {
  readonly #sink: PulseSink
  readonly #options: DrandOptions
  readonly #signal: AbortSignal
  readonly #servers: DrandServers
  #missed = 0
  #lastFault = ''

  constructor(sink: PulseSink, options: DrandOptions, signal: AbortSignal) {
    this.#sink = sink
    this.#options = options
    this.#signal = signal
    this.#servers = new DrandServers(options.urls, options.random)
  }

  /** Fills what is missing, waits for the next round and gets it. */
  async round(): Promise<void> {
    const { beacon, nowMs } = this.#options
    const round = roundAt(beacon, nowMs()) + 1
    const atMs = timeOf(beacon, round)
    const early = round % EARLY_EVERY === 0 && beacon.periodMs > 2 * EARLY_MS
    const startMs = early ? atMs - EARLY_MS : atMs
    await this.#fillGaps(round - 1, startMs - FIRST_RETRY_MS)
    if (early) {
      await this.#until(startMs)
      await this.#askAny(round, atMs)
    }
    await this.#until(atMs)
    const got = await this.#obtain(round, atMs + beacon.periodMs)
    this.#tell(got)
  }

  /** Asks server after server until the round is there or its time is over. */
  async #obtain(round: number, untilMs: number): Promise<boolean> {
    const { nowMs } = this.#options
    let retryMs = FIRST_RETRY_MS
    while (!this.#sink.has(round)) {
      if (nowMs() >= untilMs) return false
      const outcome = await this.#askAny(round, untilMs)
      if (outcome === 'failed' || this.#sink.has(round)) continue
      await this.#until(Math.min(untilMs, nowMs() + retryMs))
      retryMs = Math.min(1.5 * retryMs, LAST_RETRY_MS)
    }
    return true
  }

  /** One question to whoever's turn it is, or a wait until somebody may be asked again. */
  async #askAny(round: number, untilMs: number): Promise<Outcome> {
    const { nowMs } = this.#options
    const url = this.#servers.next(nowMs())
    if (url !== undefined) return this.#ask(url, round, Math.min(TIMEOUT_MS, untilMs - nowMs()))
    await this.#until(Math.min(untilMs, this.#servers.readyAtMs()))
    return 'failed'
  }

  async #ask(url: string, round: number, timeoutMs: number): Promise<Outcome> {
    const { chainHash, nowMs, log } = this.#options
    try {
      const asked = { url, chainHash, round, timeoutMs: Math.max(1, timeoutMs) }
      const signature = await fetchRound(asked, this.#signal)
      if (await this.#sink.take({ round, signature })) {
        this.#servers.answered(url)
        return 'taken'
      }
      this.#servers.lied(url, nowMs())
      this.#lastFault = `${url} told a false pulse`
      log.warn('beacon-server-lied', { url, round })
    } catch (error) {
      this.#signal.throwIfAborted()
      this.#lastFault = messageOf(error)
      const code = codeOf(error)
      log.debug('beacon-server-failed', { url, round, code, reason: this.#lastFault })
      if (code === 'CHAIN_BEACON_EARLY') {
        this.#servers.early(url)
        return 'early'
      }
      this.#servers.failed(url, nowMs())
    }
    return 'failed'
  }

  /** Rounds of the past that are not there, newest first, as far as the time goes; one that fails is for later. */
  async #fillGaps(newest: number, untilMs: number): Promise<void> {
    const { nowMs } = this.#options
    for (let round = newest; round > newest - BACK_ROUNDS && round >= 1; round--) {
      if (this.#sink.has(round)) continue
      if (nowMs() + BACK_PAUSE_MS >= untilMs) return
      if ((await this.#askAny(round, untilMs)) === 'failed') return
      await this.#until(nowMs() + BACK_PAUSE_MS)
    }
  }

  #tell(got: boolean): void {
    const { urls, log } = this.#options
    if (got) {
      if (this.#missed >= WARN_AFTER) log.info('beacon-reached-again', { rounds: this.#missed })
      this.#missed = 0
      return
    }
    this.#missed += 1
    if (this.#missed !== WARN_AFTER) return
    const next = 'check --drand, the clock and the network; pulses of other nodes count meanwhile'
    log.warn('beacon-unreachable', { servers: urls.join(' '), reason: this.#lastFault, next })
  }

  async #until(atMs: number): Promise<void> {
    const waitMs = atMs - this.#options.nowMs()
    if (waitMs > 0) await sleep(waitMs, this.#signal)
  }
}
