import { codeOf, messageOf, NodeError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { MiB } from '../../units.ts'
import { connectJsonRpc, type JsonRpc } from '../json-rpc.ts'

/** Answers may hold what a node sends at most: metadata and large batches of storage. */
const LIMITS = { openWithinMs: 10_000, answerWithinMs: 60_000, maxBytes: 32 * MiB }

/** Final blocks that an endpoint may be behind: two minutes of a real chain, where two nodes differ by three or so. */
const MAX_LAG_BLOCKS = 10

export interface EndpointsOptions {
  readonly urls: readonly string[]
  /** 32 B in hex with 0x: the chain all of them must be on; undefined takes that of the first that answers. */
  readonly genesis: string | undefined
  readonly log: Log
  readonly signal: AbortSignal
}

/** An endpoint that answers, and where its chain stands. */
export interface OpenEndpoint {
  readonly rpc: JsonRpc
  readonly url: string
  readonly finalNumber: number
}

/** The endpoints of one chain, in the order of preference, and which of them is used. */
export class Endpoints {
  readonly #options: EndpointsOptions
  readonly #refused = new Set<string>()
  #genesis: string | undefined
  #at = 0
  /** The newest final block that any of them told. */
  newestNumber = 0

  constructor(options: EndpointsOptions) {
    this.#options = options
    this.#genesis = options.genesis
  }

  get genesis(): string | undefined {
    return this.#genesis
  }

  /** The one in use, or tried next. */
  get url(): string {
    return this.#options.urls[this.#at]!
  }

  /**
   * Opens the one in use, or the next that answers, is on the same chain and keeps up with it. When none keeps up, the
   * one that is behind least serves.
   * @throws CHAIN_UNREACHABLE when none answers, BAD_CONFIG_CHAIN when all are on another chain
   */
  async open(): Promise<OpenEndpoint> {
    const { urls, log } = this.#options
    let [last, late]: [unknown, { open: OpenEndpoint; place: number } | undefined] = [
      undefined,
      undefined,
    ]
    for (let step = 0; step < urls.length; step++) {
      const place = (this.#at + step) % urls.length
      const url = urls[place]!
      if (this.#refused.has(url)) continue
      try {
        const open = await this.#probe(url)
        if (open.finalNumber >= this.newestNumber - MAX_LAG_BLOCKS) {
          late?.open.rpc.close()
          return this.#use(open, place)
        }
        log.warn('chain-endpoint-behind', {
          url,
          block: open.finalNumber,
          newest: this.newestNumber,
        })
        if (late !== undefined && late.open.finalNumber >= open.finalNumber) open.rpc.close()
        else {
          late?.open.rpc.close()
          late = { open, place }
        }
      } catch (error) {
        if (!this.#refused.has(url)) last = error
        log.debug('chain-endpoint-failed', { url, reason: messageOf(error) })
      }
    }
    if (late !== undefined) return this.#use(late.open, late.place)
    throw urls.every((url) => this.#refused.has(url)) ? this.#wrongChain() : last
  }

  /** Whether another endpoint is far ahead of the one in use; if so, that is the one to open next. */
  async isBehind(own: () => Promise<number>): Promise<boolean> {
    const { urls, log } = this.#options
    for (let step = 1; step < urls.length; step++) {
      const place = (this.#at + step) % urls.length
      if (this.#refused.has(urls[place]!)) continue
      try {
        const other = await this.#probe(urls[place]!)
        other.rpc.close()
        const block = await own()
        if (other.finalNumber <= block + MAX_LAG_BLOCKS) continue
        log.warn('chain-endpoint-behind', { url: this.url, block, newest: other.finalNumber })
        this.newestNumber = Math.max(this.newestNumber, other.finalNumber)
        this.#at = place
        return true
      } catch (error) {
        log.debug('chain-endpoint-failed', { url: urls[place], reason: messageOf(error) })
      }
    }
    return false
  }

  #use(open: OpenEndpoint, place: number): OpenEndpoint {
    this.#at = place
    this.newestNumber = Math.max(this.newestNumber, open.finalNumber)
    return open
  }

  /** Connects and asks which chain it is and how far. An endpoint of another chain is never asked again. */
  async #probe(url: string): Promise<OpenEndpoint> {
    const { log, signal } = this.#options
    const rpc = await connectJsonRpc(url, signal, LIMITS)
    try {
      const genesis = String(await rpc.call('chain_getBlockHash', [0], signal))
      this.#genesis ??= genesis
      if (genesis !== this.#genesis) {
        this.#refused.add(url)
        log.warn('chain-endpoint-refused', { url, genesis, wanted: this.#genesis })
        throw this.#wrongChain()
      }
      return { rpc, url, finalNumber: await finalNumberOf(rpc, signal) }
    } catch (error) {
      rpc.close()
      if (codeOf(error) !== 'CHAIN_REFUSED') throw error
      throw new NodeError(
        'CHAIN_UNSUPPORTED',
        `${url} is no node of a chain: ${messageOf(error)}`,
        {
          cause: error,
          next: 'give the endpoint of a Bittensor chain with --chain',
        },
      )
    }
  }

  #wrongChain(): NodeError {
    const { urls } = this.#options
    const which = urls.filter((url) => this.#refused.has(url)).join(', ')
    return new NodeError('BAD_CONFIG_CHAIN', `${which} is not the chain of this network`, {
      next: 'correct --chain, --network or --genesis',
    })
  }
}

/** The number of the newest final block of an endpoint. */
export async function finalNumberOf(rpc: JsonRpc, signal: AbortSignal): Promise<number> {
  const hash = await rpc.call<string>('chain_getFinalizedHead', [], signal)
  const header = await rpc.call<{ number: string } | null>('chain_getHeader', [hash], signal)
  return Number(header?.number ?? 0)
}
