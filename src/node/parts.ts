import type { DhtRecords } from '../protocols/dht.ts'
import type { Hello } from '../protocols/hello.ts'
import type { Rpc } from '../protocols/rpc.ts'
import type { Core } from './core.ts'

/**
 * The collaborators that services, control routes and the SDK share: made once by `node.ts`, in this order. A factory
 * destructures the two or three it uses. Parts that only some roles have are optional.
 */
export interface Parts {
  readonly core: Core
  readonly hello: Hello
  readonly rpc: Rpc
  readonly dht: DhtRecords
}
