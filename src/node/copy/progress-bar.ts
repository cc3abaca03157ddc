import type { CopyJob } from './copy-job.ts'

const EVERY_MS = 250
const CLEAR = '\r\x1b[K'

/** Shows on a terminal how far a copy is; nothing elsewhere. Disposing it clears the line. */
export function progressBar(
  job: CopyJob,
  terminal: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number },
): Disposable {
  if (terminal.isTTY !== true) return { [Symbol.dispose]: () => undefined }
  const startMs = performance.now()
  const timer = setInterval(() => {
    const line = progressLine(job, performance.now() - startMs, terminal.columns ?? 80)
    terminal.write(`${CLEAR}${line}`)
  }, EVERY_MS)
  return {
    [Symbol.dispose]() {
      clearInterval(timer)
      terminal.write(CLEAR)
    },
  }
}

/** `model.bin  42%  1.2 GB  210 MB/s  0:12 left`, within the terminal's width. */
export function progressLine(
  { bytes, doneBytes, plannedBytes, current }: CopyJob,
  elapsedMs: number,
  columns: number,
): string {
  const perSecond = elapsedMs > 0 ? (bytes / elapsedMs) * 1000 : 0
  const share = plannedBytes > 0 ? `${Math.floor((doneBytes / plannedBytes) * 100)}%  ` : ''
  const leftSeconds = (plannedBytes - doneBytes) / perSecond
  const left = plannedBytes > 0 && perSecond > 0 ? `  ${clockTime(leftSeconds)} left` : ''
  const figures = `${share}${bytesText(doneBytes)}  ${bytesText(perSecond)}/s${left}`
  const name = current.replace(/[\p{Cc}\p{Cf}]/gu, '?')
  const room = Math.max(8, columns - figures.length - 3)
  const cut = name.length > room ? `…${name.slice(-(room - 1))}` : name
  return `${cut}  ${figures}`
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** Three digits and a unit of thousands. */
export function bytesText(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[power]}`
}

function clockTime(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds))
  const two = (n: number): string => String(n).padStart(2, '0')
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`
}
