import './key-hint.css'

const isMac = /Mac|iPhone|iPad/.test(navigator.platform)

/** The keys that do the same; `Mod` is Command on a Mac and Ctrl elsewhere. */
export function KeyHint({ keys }: { keys: readonly string[] }) {
  return (
    <span className="key-hint" aria-hidden="true">
      {keys.map((key) => (
        <kbd key={key}>{key === 'Mod' ? (isMac ? '⌘' : 'Ctrl') : key}</kbd>
      ))}
    </span>
  )
}
