import { useEffect, useSyncExternalStore } from 'react'

export interface PaletteCommand {
  /** What it does, as an order; unique. */
  readonly title: string
  /** Keys that do the same. */
  readonly keys?: readonly string[]
  readonly run: () => void
}

const sets = new Map<object, readonly PaletteCommand[]>()
const listeners = new Set<() => void>()
let all: readonly PaletteCommand[] = []

const change = (): void => {
  all = [...sets.values()].flat()
  for (const tell of listeners) tell()
}

/** Puts commands of a page into the palette while the page is open; keep the list the same between renderings. */
export function useProvideCommands(commands: readonly PaletteCommand[]): void {
  useEffect(() => {
    const key = {}
    sets.set(key, commands)
    change()
    return () => {
      sets.delete(key)
      change()
    }
  }, [commands])
}

/** What the open page can do. */
export const usePageCommands = (): readonly PaletteCommand[] =>
  useSyncExternalStore(
    (tell) => {
      listeners.add(tell)
      return () => listeners.delete(tell)
    },
    () => all,
  )
