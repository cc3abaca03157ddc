import type { Stream } from '@libp2p/interface'
import { StreamState, YamuxStream } from '@libp2p/yamux/stream'

/** What of a yamux stream is relied upon; all but the last is private to it, so its version stays pinned. */
interface Windowed {
  readonly recvWindow: number
  /** What the peer may still send. */
  readonly recvWindowCapacity: number
  readonly state: StreamState
  sendWindowUpdate(): void
}

/**
 * Lets a stream tell its peer that more may come once half of the window is used, as other implementations do. Yamux in
 * JavaScript tells it after every frame: a record, a system call and a wake-up of the peer for each key of a terminal,
 * sent before the key is handed on.
 */
export function spareWindowUpdates(stream: Stream): void {
  if (!(stream instanceof YamuxStream)) return
  const windowed = stream as unknown as Windowed
  const tell = windowed.sendWindowUpdate.bind(stream)
  windowed.sendWindowUpdate = () => {
    const { state, recvWindow, recvWindowCapacity } = windowed
    // In its other states an update also opens or accepts the stream, or marks the time of a pause.
    const isSettled = state === StreamState.Established || state === StreamState.SYNSent
    if (!isSettled || recvWindowCapacity * 2 <= recvWindow) tell()
  }
}
