import type { ApiPromise } from '@polkadot/api'
import type { Header } from '@polkadot/types/interfaces'
import type { BlockRef } from '../block-ref.ts'
import type { ChainProvider } from './provider.ts'

type Listener = (head: BlockRef) => void

const TYPE = 'chain_finalizedHead'

/** What the endpoint tells of final blocks, for as many as listen by one subscription: some left out, some told twice. */
export class HeadFeed {
  readonly #api: ApiPromise
  readonly #provider: ChainProvider
  readonly #listeners = new Set<Listener>()
  #id: Promise<string> | undefined
  #newest: BlockRef | undefined

  constructor(api: ApiPromise, provider: ChainProvider) {
    this.#api = api
    this.#provider = provider
  }

  /** Tells the newest final block as soon as it is known, and each that comes, until what it gives is called. */
  async listen(listener: Listener): Promise<() => void> {
    this.#listeners.add(listener)
    const stop = (): void => this.#leave(listener)
    this.#id ??= this.#provider.subscribe(TYPE, 'chain_subscribeFinalizedHeads', [], (_, told) =>
      this.#tell(told),
    )
    try {
      await this.#id
    } catch (error) {
      this.#id = undefined
      stop()
      throw error
    }
    if (this.#newest !== undefined && this.#listeners.has(listener)) listener(this.#newest)
    return stop
  }

  #tell(told: unknown): void {
    const header = this.#api.registry.createType<Header>('Header', told)
    const head = { number: header.number.toNumber(), hash: header.hash.toHex() }
    this.#newest = head
    for (const listener of [...this.#listeners]) listener(head)
  }

  #leave(listener: Listener): void {
    this.#listeners.delete(listener)
    if (this.#listeners.size > 0) return
    const id = this.#id
    this.#id = undefined
    this.#newest = undefined
    const end = async (): Promise<void> => {
      await this.#provider.unsubscribe(TYPE, 'chain_unsubscribeFinalizedHeads', await id!)
    }
    if (id !== undefined) end().catch(() => undefined) // never subscribed, or gone with its connection
  }
}
