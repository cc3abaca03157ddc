import { Shell } from './shell.ts'

/** The shells of one lease, kept while the page is open: what runs in them goes on beside other tabs and pages. */
export interface Shells {
  all(): readonly Shell[]
  current(): Shell
  show(shell: Shell): void
  add(): void
  close(shell: Shell): void
  /** Opens those anew that went with a node that is back now. */
  revive(): void
  subscribe(tell: () => void): () => void
  /** Another value after each change. */
  version(): number
}

const rooms = new Map<string, Shells>()

/** Those of a lease; the first one is made when it is looked at first. */
export function shellsOf(leaseId: string): Shells {
  const known = rooms.get(leaseId)
  if (known !== undefined) return known
  const made = createShells(leaseId)
  rooms.set(leaseId, made)
  return made
}

function createShells(leaseId: string): Shells {
  const listeners = new Set<() => void>()
  let version = 0
  let count = 0
  const tell = (): void => {
    version++
    for (const listener of listeners) listener()
  }
  const make = (): Shell => new Shell(leaseId, ++count, tell)
  let all: readonly Shell[] = [make()]
  let current = all[0]!
  return {
    all: () => all,
    current: () => current,
    show(shell) {
      current = shell
      tell()
    },
    add() {
      current = make()
      all = [...all, current]
      tell()
    },
    close(shell) {
      const at = all.indexOf(shell)
      shell.close()
      all = all.filter((one) => one !== shell)
      if (all.length === 0) all = [make()]
      if (shell === current) current = all[Math.min(at, all.length - 1)]!
      tell()
    },
    revive() {
      for (const shell of all) if (shell.state.kind === 'away') shell.open()
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    version: () => version,
  }
}
