/**
 * How much output a reader takes. Sockets of browsers cannot be held back: their pages say how far they are
 * (`{"kind":"window","upTo":BYTES}`, counted from the first byte of output), and wait for no more than that.
 */
export interface OutputWindow {
  /** From now on there is one, this far. */
  openTo(bytes: number): void
  /** While nobody listens to the reader it cannot say how far it is, and nothing is held back. */
  setDeaf(isDeaf: boolean): void
  /** Resolves once so many bytes may follow; at once for a reader that never spoke of a window. */
  room(bytes: number): Promise<void>
  /** Nothing waits any more. */
  end(): void
}

/** One per socket. */
export function createOutputWindow(): OutputWindow {
  let upTo = Number.POSITIVE_INFINITY
  let sent = 0
  let isDeaf = false
  let isOver = false
  let changed = Promise.withResolvers<void>()
  const change = (): void => {
    changed.resolve()
    changed = Promise.withResolvers()
  }
  return {
    openTo(bytes) {
      upTo = bytes
      change()
    },
    setDeaf(is) {
      isDeaf = is
      change()
    },
    async room(bytes) {
      while (sent >= upTo && !isDeaf && !isOver) await changed.promise
      sent += bytes
    },
    end() {
      isOver = true
      change()
    },
  }
}
