import { useEffect } from 'react'
import { useLocation } from 'wouter'
import { isTyping } from '../ui/is-typing.ts'
import { pages } from './pages.tsx'

const TOGETHER_MS = 1200

/** The console's own keys: Ctrl-K or ⌘K opens the palette; `g` and then a page's letter goes there. */
export function useShortcuts(openPalette: () => void): void {
  const [, navigate] = useLocation()
  useEffect(() => {
    let leaderAtMs = 0
    const onKey = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        openPalette()
        return
      }
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
      if (event.key === 'g') {
        leaderAtMs = Date.now()
        return
      }
      if (Date.now() - leaderAtMs > TOGETHER_MS) return
      leaderAtMs = 0
      const page = pages.find(({ nav }) => nav?.letter === event.key)
      if (page?.nav !== undefined) navigate(page.nav.to)
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [navigate, openPalette])
}
