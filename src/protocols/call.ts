import type { Remote } from './peers.ts'

/** Who asks, as a handler sees it. */
export interface Caller {
  /** The PeerId's text. */
  readonly peerId: string
  /** Its ed25519 key, 32 B, proven by the connection. */
  readonly publicKey: Uint8Array
  /** Where it comes from, for quotas; undefined for this machine. */
  readonly prefix: string | undefined
  /** Aborts when the asker gives up or is lost, when the time limit passes, and when serving ends. */
  readonly signal: AbortSignal
}

/** One request being answered. Its signal is made only if the handler looks at it: most never do, and it is dear. */
export class Call implements Caller {
  readonly peerId: string
  readonly publicKey: Uint8Array
  readonly prefix: string | undefined
  readonly #endsAtMs: number
  #controller: AbortController | undefined
  #timer: NodeJS.Timeout | undefined
  #cancelled: { readonly reason: unknown } | undefined

  /** `timeoutMs` undefined: no time limit. */
  constructor({ peerId, publicKey, prefix }: Remote, timeoutMs?: number) {
    this.peerId = peerId
    this.publicKey = publicKey
    this.prefix = prefix
    this.#endsAtMs =
      timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#start()
    return this.#controller.signal
  }

  #start(): AbortController {
    const controller = new AbortController()
    if (this.#cancelled !== undefined) controller.abort(this.#cancelled.reason)
    else if (Number.isFinite(this.#endsAtMs)) {
      const leftMs = Math.max(0, this.#endsAtMs - performance.now())
      const expired = new DOMException('the asker no longer waits', 'TimeoutError')
      this.#timer = setTimeout(() => controller.abort(expired), leftMs)
    }
    return controller
  }

  /** Aborts the signal. */
  cancel(reason: unknown): void {
    this.#cancelled ??= { reason }
    this.end()
    this.#controller?.abort(reason)
  }

  /** Frees the time limit's timer. */
  end(): void {
    clearTimeout(this.#timer)
  }
}
