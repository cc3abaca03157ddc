import { timingSafeEqual } from 'node:crypto'
import type { Log } from '../../../log.ts'
import { SHELL_GRACE_MS } from '../../../protocols/session-shell.ts'
import type { KeptShell } from './kept-shell.ts'

/** Shells of one lease that may wait for their renter: each costs the miner up to 2 MiB. */
const MAX_WAITING = 16

/** The shells of a miner's leases, also those whose connection broke. */
export interface KeptShells {
  /** How long a shell waits for its renter. */
  readonly graceMs: number
  add(shell: KeptShell): void
  /** The shell of a token, for the peer that opened it and no other; undefined for anybody else. */
  find(token: Uint8Array, peerId: string, leaseId: Uint8Array): KeptShell | undefined
  /** Its renter is there again: it does not wait any more. */
  connected(shell: KeptShell): void
  /** Its connection broke: it is hung up after the grace, or when its lease closes. */
  wait(shell: KeptShell, closing: AbortSignal): void
  /** Its command has ended, and its renter knows. */
  forget(shell: KeptShell): void
  /** Forgets it and hangs up on its command; a failure is logged. */
  hangUp(shell: KeptShell): Promise<void>
  /** Hangs up on all of them. */
  close(): Promise<void>
}

export function createKeptShells({
  log,
  graceMs = SHELL_GRACE_MS,
}: {
  readonly log: Log
  readonly graceMs?: number | undefined
}): KeptShells {
  const shells = new Set<KeptShell>()
  /** Those that wait, longest first, with what ends their waiting. */
  const waiting = new Map<KeptShell, () => void>()

  const connected = (shell: KeptShell): void => {
    waiting.get(shell)?.()
    waiting.delete(shell)
  }
  const forget = (shell: KeptShell): void => {
    connected(shell)
    shells.delete(shell)
  }
  const hangUp = async (shell: KeptShell): Promise<void> => {
    forget(shell)
    await shell.hangUp().catch((error) => log.error('shell-not-ended', error))
  }
  return {
    graceMs,
    add: (shell) => void shells.add(shell),
    find(token, peerId, leaseId) {
      return [...shells].find(
        (shell) =>
          timingSafeEqual(shell.token, token) &&
          shell.peerId === peerId &&
          timingSafeEqual(shell.leaseId, leaseId),
      )
    },
    connected,
    wait(shell, closing) {
      if (!shells.has(shell)) return
      connected(shell)
      const giveUp = (): void => void hangUp(shell)
      const timer = setTimeout(giveUp, graceMs)
      closing.addEventListener('abort', giveUp, { once: true })
      waiting.set(shell, () => {
        clearTimeout(timer)
        closing.removeEventListener('abort', giveUp)
      })
      const same = [...waiting.keys()].filter(({ leaseId }) => equal(leaseId, shell.leaseId))
      if (same.length > MAX_WAITING) void hangUp(same[0]!)
    },
    forget,
    hangUp,
    async close() {
      await Promise.all([...shells].map(hangUp))
    },
  }
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
