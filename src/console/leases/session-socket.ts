import { ApiError, get, toldOf } from '../app/api.ts'
import type { Told } from '../ui/fault.ts'
import { leasePath } from './use-leases.ts'

/** The channel bytes of a session's binary messages. */
export const channels = { stdin: 0, stdout: 1, stderr: 2 } as const

/** How a session ended: by itself, for a reason that was told, or with the node that carried it. */
export type SessionEnd =
  | { readonly kind: 'exit'; readonly exitCode: number }
  | { readonly kind: 'failed'; readonly error: Told }
  | { readonly kind: 'away' }

export interface SessionHandlers {
  onOpen(): void
  onBytes(channel: number, data: Uint8Array): void
  /** The connection between node and miner broke, or goes on where it was. */
  onNotice(notice: 'lost' | 'resumed'): void
  /** Once; nothing is called after it. */
  onEnd(end: SessionEnd): void
}

export interface SessionSocket {
  /** On stdin; what is sent before it opened or after it ended is dropped. */
  sendBytes(data: Uint8Array): void
  sendControl(message: object): void
  close(): void
}

interface TextMessage {
  readonly kind?: string
  readonly exitCode?: number
  readonly code?: string
  readonly message?: string
  readonly error?: Told
}

/** Opens a session in a lease through this node: `shell`, `logs` (docs/api.md has the messages). */
export function openSession(
  leaseId: string,
  what: 'shell' | 'logs',
  request: object,
  handlers: SessionHandlers,
): SessionSocket {
  const query = new URLSearchParams({ request: JSON.stringify(request) })
  const url = new URL(`${leasePath(leaseId, `/${what}`)}?${query}`, window.location.href)
  url.protocol = url.protocol.replace('http', 'ws')
  const socket = new WebSocket(url)
  socket.binaryType = 'arraybuffer'
  let wasOpen = false
  let end: SessionEnd | undefined
  let isDone = false
  const finish = (how: SessionEnd): void => {
    if (isDone) return
    isDone = true
    handlers.onEnd(how)
  }
  socket.onopen = () => {
    wasOpen = true
    handlers.onOpen()
  }
  socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (isDone) return
    if (typeof data !== 'string') {
      const bytes = new Uint8Array(data)
      return handlers.onBytes(bytes[0] ?? 0, bytes.subarray(1))
    }
    const message = JSON.parse(data) as TextMessage
    if (message.kind === 'lost' || message.kind === 'resumed') handlers.onNotice(message.kind)
    else end = endOf(message) ?? end
  }
  socket.onclose = () => {
    if (end !== undefined) finish(end)
    else if (wasOpen) finish({ kind: 'away' })
    else void whyNot(leaseId).then(finish)
  }
  return {
    sendBytes(data) {
      if (socket.readyState !== WebSocket.OPEN) return
      const framed = new Uint8Array(data.length + 1)
      framed[0] = channels.stdin
      framed.set(data, 1)
      socket.send(framed)
    },
    sendControl(message) {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message))
    },
    close() {
      isDone = true
      socket.close()
    },
  }
}

function endOf({ kind, exitCode, code, message, error }: TextMessage): SessionEnd | undefined {
  if (error !== undefined) return { kind: 'failed', error }
  if (kind === 'exit') return { kind: 'exit', exitCode: exitCode ?? 0 }
  if (kind !== 'failed') return undefined
  return { kind: 'failed', error: { code: code ?? 'FAILED', message: message ?? 'it failed' } }
}

/** A browser is not told why a socket was refused: what is so with the lease says it. */
async function whyNot(leaseId: string): Promise<SessionEnd> {
  try {
    const { over, reason, health } = await get<LeaseNow>(leasePath(leaseId))
    if (over) {
      const message = `the lease has ended${reason === null ? '' : `: ${reason}`}`
      return { kind: 'failed', error: { code: 'FAILED_LEASE_ENDED', message } }
    }
    const [code, message] =
      health === 'unknown'
        ? ['PEER_UNREACHABLE', 'the miner does not answer']
        : ['FAILED', 'the session could not be opened']
    return { kind: 'failed', error: { code, message, next: 'try again in a moment' } }
  } catch (error) {
    if (error instanceof ApiError && error.code === 'AWAY') return { kind: 'away' }
    return { kind: 'failed', error: toldOf(error) }
  }
}

interface LeaseNow {
  readonly over: boolean
  readonly reason: string | null
  readonly health: string
}
