import { NodeError } from '../errors.ts'
import type { Engine, Isolation } from './engine.ts'
import type { EngineVolumes } from './engine-volumes.ts'
import { sharedWork } from './shared-work.ts'

/** What is known of one that has not answered yet: nothing that a renter could rely on. */
const UNKNOWN: Isolation = { runtime: 'unknown', fenced: false, diskQuota: false }

/**
 * An engine that may not answer yet: each call opens it first, and rejects with what `open` says while that fails. So a
 * node starts without it, and its containers are unknown, not gone, until it is there. `open` is called once at a time,
 * and no more once it has succeeded.
 */
export function createLateEngine(open: (signal: AbortSignal) => Promise<Engine>): Engine {
  let engine: Engine | undefined
  const lifetime = new AbortController()
  const opened = sharedWork(async (): Promise<Engine> => {
    if (engine !== undefined) return engine
    if (lifetime.signal.aborted) throw new NodeError('ENGINE_UNKNOWN', 'this node stops')
    engine = await open(lifetime.signal)
    return engine
  })
  const volumes = async (): Promise<EngineVolumes> => {
    const { volumes: found } = await opened()
    if (found !== undefined) return found
    throw new NodeError('ENGINE_UNSUPPORTED', 'this engine keeps no volumes')
  }

  return {
    kind: 'docker',
    get label() {
      return engine?.label ?? 'docker (has not answered yet)'
    },
    get isolation() {
      return engine?.isolation ?? UNKNOWN
    },
    get facts() {
      return engine?.facts
    },
    async check() {
      try {
        return await (await opened()).check()
      } catch (error) {
        if (error instanceof NodeError) return error
        return new NodeError('ENGINE_FAILED', 'the engine cannot be opened', { cause: error })
      }
    },
    checkImage(image) {
      if (engine !== undefined) return engine.checkImage(image)
      throw new NodeError('REFUSED_NO_CAPACITY', 'the engine has not answered yet', {
        next: 'take another offer, or try again later',
      })
    },
    ensureImage: async (image, options) => (await opened()).ensureImage(image, options),
    volumes: {
      ensure: async (volume) => (await volumes()).ensure(volume),
      list: async () => (await volumes()).list(),
      usedBytes: async () => (await volumes()).usedBytes(),
      remove: async (id) => (await volumes()).remove(id),
    },
    create: async (spec) => (await opened()).create(spec),
    list: async () => (await opened()).list(),
    async close() {
      lifetime.abort(new NodeError('ENGINE_UNKNOWN', 'this node stops'))
      // One that is being opened is let go of as soon as it is; one that could not be has nothing to close.
      await opened().catch(() => undefined)
      await engine?.close()
    },
  }
}
