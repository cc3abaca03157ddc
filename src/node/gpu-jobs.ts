import { randomBytes } from 'node:crypto'
import type { GpuJob } from '../api/gpu-jobs.ts'
import { codeOf, messageOf, NodeError } from '../errors.ts'
import { type BenchResult, benchMachine, type DeviceWork } from './bench/bench-machine.ts'
import type { Core } from './core.ts'
import { createChanges } from './leases/changes.ts'
import { type Proven, proveDevice } from './prove-device.ts'

/** More than anybody compares. */
const KEPT = 16

type Of<Kind extends GpuJob['kind']> = Kind extends 'bench' ? BenchResult : Proven

interface Kept {
  view: Omit<GpuJob, 'bench' | 'proven'> & {
    readonly bench: Of<'bench'> | null
    readonly proven: Of<'prove'> | null
  }
  content: Uint8Array | undefined
  readonly cancel: AbortController
}

/** What devices were measured and proven for the owner of a node that does not mine, one after another. */
export interface GpuJobs {
  /** Throws REFUSED_BUSY while one runs. */
  start(asked: { readonly kind: GpuJob['kind']; readonly gpu?: string | undefined }): Kept['view']
  /** Newest first. */
  all(): Kept['view'][]
  /** NOTHING_MATCHED where there is none. */
  get(id: string): Kept['view']
  cancel(id: string): Kept['view']
  /** It as it is, then at each change, until it is over. */
  watch(id: string, signal: AbortSignal): AsyncIterable<Kept['view']>
  /** Of a proof that is done. */
  transcript(id: string): Uint8Array
}

/** What runs ends with `life`. */
export function createGpuJobs(
  { config, nowMs }: Pick<Core, 'config' | 'nowMs'>,
  life: AbortSignal,
): GpuJobs {
  const jobs = new Map<string, Kept>()
  const changes = createChanges()
  const find = (id: string): Kept => {
    const found = jobs.get(id)
    if (found !== undefined) return found
    throw new NodeError('NOTHING_MATCHED', `there is no job ${id}`, { next: 'GET /v1/gpu/jobs' })
  }
  const change = (job: Kept, to: Partial<Kept['view']>): void => {
    job.view = { ...job.view, ...to }
    changes.changed(job.view.id)
  }
  async function run(job: Kept): Promise<void> {
    const { kind, gpu } = job.view
    const signal = AbortSignal.any([job.cancel.signal, life])
    const work: DeviceWork = {
      named: gpu ?? undefined,
      signal,
      onStage: (stage) => change(job, { stage }),
    }
    try {
      if (kind === 'bench') change(job, { bench: await benchMachine(config, work) })
      else {
        const { proven, content } = await proveDevice(config, work)
        job.content = content
        change(job, { proven })
      }
      end(job, 'done')
    } catch (error) {
      if (signal.aborted) return end(job, 'cancelled')
      const next = error instanceof NodeError ? error.next : undefined
      const told = { code: codeOf(error), message: messageOf(error) }
      change(job, { error: next === undefined ? told : { ...told, next } })
      end(job, 'failed')
    }
  }
  const end = (job: Kept, state: GpuJob['state']): void =>
    change(job, { state, stage: null, endedAtMs: nowMs() })

  return {
    start({ kind, gpu }) {
      const busy = [...jobs.values()].find(({ view }) => view.endedAtMs === null)
      if (busy !== undefined) {
        throw new NodeError('REFUSED_BUSY', `the job ${busy.view.id} has the devices`, {
          next: 'wait for it, or cancel it: POST /v1/gpu/jobs/ID/cancel',
        })
      }
      const id = randomBytes(6).toString('hex')
      const none = { stage: null, endedAtMs: null, bench: null, proven: null, error: null }
      const job: Kept = {
        view: { id, kind, gpu: gpu ?? null, state: 'running', startedAtMs: nowMs(), ...none },
        content: undefined,
        cancel: new AbortController(),
      }
      jobs.set(id, job)
      if (jobs.size > KEPT) jobs.delete(jobs.keys().next().value!)
      void run(job)
      return job.view
    },
    all: () => [...jobs.values()].map(({ view }) => view).toReversed(),
    get: (id) => find(id).view,
    cancel(id) {
      const job = find(id)
      job.cancel.abort(new NodeError('FAILED_CANCELLED', 'the job was cancelled'))
      return job.view
    },
    async *watch(id, signal) {
      const job = find(id)
      for (let seen: Kept['view'] | undefined; ; ) {
        if (job.view !== seen) {
          seen = job.view
          yield seen
          continue
        }
        if (seen.endedAtMs !== null) return
        const other = (): true | undefined => (job.view === seen ? undefined : true)
        await changes.until(id, other, { ms: 60_000, signal })
        signal.throwIfAborted()
      }
    },
    transcript(id) {
      const { content } = find(id)
      if (content !== undefined) return content
      throw new NodeError('NOTHING_MATCHED', `the job ${id} has no transcript`, {
        next: 'only a proof that is done has one',
      })
    },
  }
}
