import { minutesMs, secondsMs } from '../units.ts'

/** The public servers of the League of Entropy (docs.drand.love, "Our HTTP API"). */
export const DRAND_URLS = [
  'https://api.drand.sh',
  'https://api2.drand.sh',
  'https://api3.drand.sh',
  'https://drand.cloudflare.com',
] as const

const FIRST_PAUSE_MS = secondsMs(1)
const LAST_PAUSE_MS = minutesMs(2)
/** One that told a false pulse is not asked again for this long. */
const LIAR_PAUSE_MS = minutesMs(10)

interface Server {
  readonly url: string
  failures: number
  notBeforeMs: number
}

/**
 * Whose turn it is among servers that tell the same: one that answers is kept, for its connection is warm; one that
 * fails pauses, twice as long each time, by chance longer or shorter so that nodes do not come back all at once.
 */
export class DrandServers {
  readonly #servers: readonly Server[]
  readonly #random: () => number
  #turn: number

  constructor(urls: readonly string[], random: () => number = Math.random) {
    this.#servers = urls.map((url) => ({ url, failures: 0, notBeforeMs: 0 }))
    this.#random = random
    this.#turn = Math.floor(random() * urls.length) // so that all nodes do not begin with the same one
  }

  /** The server to ask now; undefined while all pause. */
  next(nowMs: number): string | undefined {
    for (let i = 0; i < this.#servers.length; i++) {
      const server = this.#servers[(this.#turn + i) % this.#servers.length]!
      if (server.notBeforeMs <= nowMs) return server.url
    }
    return undefined
  }

  /** When a server may be asked again, unix ms. */
  readyAtMs(): number {
    return Math.min(...this.#servers.map(({ notBeforeMs }) => notBeforeMs))
  }

  answered(url: string): void {
    const server = this.#find(url)
    server.failures = 0
    this.#turn = this.#servers.indexOf(server)
  }

  /** It has no such round yet: another may be faster, and it did nothing wrong. */
  early(url: string): void {
    this.#turn = (this.#servers.indexOf(this.#find(url)) + 1) % this.#servers.length
  }

  failed(url: string, nowMs: number): void {
    const server = this.#find(url)
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** server.failures, LAST_PAUSE_MS)
    server.failures += 1
    server.notBeforeMs = nowMs + pauseMs * (0.5 + this.#random())
  }

  lied(url: string, nowMs: number): void {
    this.#find(url).notBeforeMs = nowMs + LIAR_PAUSE_MS
  }

  #find(url: string): Server {
    return this.#servers.find((server) => server.url === url)!
  }
}
