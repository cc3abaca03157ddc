import { useSyncExternalStore } from 'react'

/** `system` follows the machine. */
export type Theme = 'system' | 'light' | 'dark'

const KEY = 'cn-theme' // public/theme.js reads it before the first paint
const darkSystem = window.matchMedia('(prefers-color-scheme: dark)')
const listeners = new Set<() => void>()

/** Whether the page is light or dark now; components that draw by themselves follow it. */
export const useTheme = (): 'light' | 'dark' => useSyncExternalStore(subscribe, shownTheme)

/** What the person chose. */
export const useChosenTheme = (): Theme => useSyncExternalStore(subscribe, chosenTheme)

/** Chooses a theme, for this browser. */
export function chooseTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
  try {
    localStorage.setItem(KEY, theme)
  } catch {
    // Storage may be refused: the choice holds until the page is left.
  }
  for (const tell of listeners) tell()
}

function chosenTheme(): Theme {
  const { theme } = document.documentElement.dataset
  return theme === 'light' || theme === 'dark' ? theme : 'system'
}

function shownTheme(): 'light' | 'dark' {
  const chosen = chosenTheme()
  return chosen === 'system' ? (darkSystem.matches ? 'dark' : 'light') : chosen
}

function subscribe(tell: () => void): () => void {
  listeners.add(tell)
  darkSystem.addEventListener('change', tell)
  return () => {
    listeners.delete(tell)
    darkSystem.removeEventListener('change', tell)
  }
}
