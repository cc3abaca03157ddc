import { useState } from 'react'

/** A setting that this browser keeps; `read` turns what is kept into a value, and anything else into a usual one. */
export function useKept<T>(
  name: string,
  read: (kept: unknown) => T,
): readonly [T, (value: T) => void] {
  const key = `cn-${name}`
  const [value, setValue] = useState(() => read(kept(key)))
  const keep = (next: T): void => {
    setValue(next)
    try {
      localStorage.setItem(key, JSON.stringify(next))
    } catch {
      // Storage may be refused: the setting holds until the page is left.
    }
  }
  return [value, keep]
}

function kept(key: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(key) ?? 'null')
  } catch {
    return null
  }
}
