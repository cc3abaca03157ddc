import { type Duplex, pipeline, Transform } from 'node:stream'
import {
  type CircuitRelayServerComponents,
  type CircuitRelayServerInit,
  type CircuitRelayService,
  circuitRelayServer,
} from '@libp2p/circuit-relay-v2'
import type { Stream } from '@libp2p/interface'
import { toDuplex } from './duplex.ts'

/** What of the library's server joins two streams; public there, though not in its interface. */
interface Joining {
  handleConnect(hop: Hop, options: object): Promise<void>
  stopHop(request: object, options: object): Promise<Stream | undefined>
}
interface Hop {
  readonly stream: { pb(codec: unknown): unknown; unwrap(): Stream }
}

/**
 * The library's relay, with backpressure: its own joint reads one side as fast as it sends and keeps what the other
 * side has not taken, without bound. It still decides who may connect and for how long and how much: it is handed a
 * stand-in for each stream, hears how many bytes passed, and what it aborts ends the real ones.
 */
export function boundedRelay(
  init: CircuitRelayServerInit,
): (components: CircuitRelayServerComponents) => CircuitRelayService {
  const create = circuitRelayServer(init)
  return (components) => {
    const server = create(components) as CircuitRelayService & Joining
    const { handleConnect } = server
    server.handleConnect = (hop, options) => {
      let joint: Joint | undefined
      const stopHop: Joining['stopHop'] = async (...request) => {
        const far = await server.stopHop(...request)
        if (far === undefined) return undefined
        joint = new Joint(far)
        return joint.far as unknown as Stream
      }
      const stream = {
        pb: (codec: unknown) => hop.stream.pb(codec),
        unwrap: () => joint!.join(hop.stream.unwrap()) as unknown as Stream,
      }
      const own = Object.create(server, { stopHop: { value: stopHop } })
      return handleConnect.call(own, { ...hop, stream }, options)
    }
    return server
  }
}

/** Stands in for a stream where the library counts and aborts. */
class StandIn extends EventTarget {
  readonly writeStatus = 'writable'
  abort: (error: Error) => void = () => undefined

  send(): boolean {
    return true
  }

  async close(): Promise<void> {}

  passed(bytes: Uint8Array): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data: { byteLength: bytes.length } }))
  }

  ended(): void {
    this.dispatchEvent(new Event('remoteCloseWrite'))
  }
}

/** Two streams, each as fast as the other takes it. */
class Joint {
  readonly far = new StandIn()
  readonly #farStream: Stream

  constructor(farStream: Stream) {
    this.#farStream = farStream
  }

  /** Joins the near stream; returns what stands in for it. */
  join(nearStream: Stream): StandIn {
    const near = new StandIn()
    const [a, b] = [toDuplex(nearStream), toDuplex(this.#farStream)]
    const abort = (error: Error): void => {
      a.destroy(error)
      b.destroy(error)
    }
    near.abort = abort
    this.far.abort = abort
    for (const side of [a, b]) side.on('error', () => undefined) // `done` ends both; a late one has nobody to tell
    let open = 2
    const done = (error: Error | null | undefined): void => {
      if (error) abort(error)
      open -= 1
      if (open > 0 && !error) return
      near.ended()
      this.far.ended()
    }
    forward(a, b, near, done)
    forward(b, a, this.far, done)
    return near
  }
}

function forward(
  from: Duplex,
  to: Duplex,
  counted: StandIn,
  done: (error: Error | null | undefined) => void,
): void {
  const count = new Transform({
    transform(chunk: Uint8Array, _, next) {
      counted.passed(chunk)
      next(null, chunk)
    },
  })
  pipeline(from, count, to, done)
}
