import type { ImageProgress } from './engine.ts'

/** How often at most a pull says how far it is. */
const EVERY_MS = 1000
/** The rate is that of the last few seconds. */
const WINDOW_MS = 5000

/** What the engine says of a layer whose bytes are here. */
const HERE = [
  'already exists',
  'download complete',
  'verifying checksum',
  'extracting',
  'pull complete',
]
const OF_LAYERS = [...HERE, 'pulling fs layer', 'waiting', 'downloading']

interface Layer {
  readonly doneBytes: number
  /** 0 while it is not known. */
  readonly totalBytes: number
  readonly isHere: boolean
}

export interface PullProgress {
  /** Takes what the engine says; how far the whole is, for people, when it is time to say so again. */
  add(progress: ImageProgress, atMs: number): string | undefined
}

/** Adds up what an engine says of layers: `pulling IMAGE: 2 of 5 layers, 37 %, 12.3 MB/s`. */
export function createPullProgress(image: string): PullProgress {
  const layers = new Map<string, Layer>()
  let saidAtMs = Number.NEGATIVE_INFINITY
  let seen: { readonly atMs: number; readonly bytes: number }[] = []

  function note({ step, layer, doneBytes, totalBytes }: ImageProgress): boolean {
    const status = step.slice(step.indexOf(': ') + 2)
    if (layer === undefined || !OF_LAYERS.includes(status)) return false
    const before = layers.get(layer) ?? { doneBytes: 0, totalBytes: 0, isHere: false }
    const isHere = before.isHere || HERE.includes(status)
    const sizes = status === 'downloading' ? { doneBytes, totalBytes } : before
    layers.set(layer, { ...sizes, ...(isHere ? { doneBytes: sizes.totalBytes } : {}), isHere })
    return true
  }

  function whole(atMs: number): string {
    const all = [...layers.values()]
    const sum = (of: (layer: Layer) => number): number => all.reduce((n, one) => n + of(one), 0)
    const bytes = sum(({ doneBytes }) => doneBytes)
    const total = sum(({ totalBytes }) => totalBytes)
    seen = [...seen.filter((one) => one.atMs >= atMs - WINDOW_MS), { atMs, bytes }]
    const { atMs: fromMs, bytes: from } = seen[0]!
    const rate = atMs > fromMs ? (bytes - from) / (atMs - fromMs) / 1000 : 0
    return [
      `pulling ${image}: ${all.filter(({ isHere }) => isHere).length} of ${all.length} layers`,
      ...(total > 0 ? [`${Math.floor((100 * bytes) / total)} %`] : []),
      ...(rate > 0 ? [`${rate.toFixed(1)} MB/s`] : []),
    ].join(', ')
  }

  return {
    add(progress, atMs) {
      const isLayer = note(progress)
      if (atMs - saidAtMs < EVERY_MS) return undefined
      if (!isLayer && layers.size > 0 && progress.layer !== undefined) return undefined
      saidAtMs = atMs
      return (isLayer ? whole(atMs) : `${progress.step} ${image}`).slice(0, 200)
    },
  }
}
