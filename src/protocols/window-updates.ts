import type { Stream } from '@libp2p/interface'
import { StreamState, YamuxStream } from '@libp2p/yamux/stream'
import { KiB } from '../units.ts'

/** A window that may still grow is told from here on: it grows by how soon it is told again. */
const GROWING_BYTES = 32 * KiB

/** What of a yamux stream is relied upon; all but the last is private to it, so its version stays pinned. */
interface Windowed {
  readonly recvWindow: number
  /** What the peer may still send. */
  readonly recvWindowCapacity: number
  readonly maxStreamWindowSize: number
  readonly state: StreamState
  sendWindowUpdate(): void
}

/**
 * Lets a stream tell its peer that more may come once half of the window is used, as other implementations do, or
 * 32 KiB of one that has not its full size. Yamux in JavaScript tells it after every frame: a record, a system call and
 * a wake-up of the peer for each key of a terminal, sent before the key is handed on.
 */
export function spareWindowUpdates(stream: Stream): void {
  if (!(stream instanceof YamuxStream)) return
  const windowed = stream as unknown as Windowed
  const tell = windowed.sendWindowUpdate.bind(stream)
  windowed.sendWindowUpdate = () => {
    const { state, recvWindow, recvWindowCapacity, maxStreamWindowSize } = windowed
    // In its other states an update also opens or accepts the stream, or marks the time of a pause.
    const isSettled = state === StreamState.Established || state === StreamState.SYNSent
    const isGrown = recvWindow >= maxStreamWindowSize
    const enough = isGrown ? recvWindow / 2 : GROWING_BYTES
    if (!isSettled || recvWindow - recvWindowCapacity >= enough) tell()
  }
}
