import { Check, Copy } from 'lucide-react'
import { useEffect, useState } from 'react'
import { Button } from './button.tsx'
import './copyable.css'

const SHOWN_MS = 1500

/** Text to take along: what is shown may be shortened, what is copied is whole. `what` names it to a screen reader. */
export function Copyable({ text, shown = text, what }: CopyableProps) {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [copied])
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    )
  }
  return (
    <span className="copyable">
      <span className="mono" title={text}>
        {shown}
      </span>
      <Button
        kind="quiet"
        icon={copied ? <Check aria-hidden="true" /> : <Copy aria-hidden="true" />}
        label={copied ? `Copied ${what}` : `Copy ${what}`}
        onPress={copy}
      />
    </span>
  )
}

export interface CopyableProps {
  readonly text: string
  readonly shown?: string
  readonly what: string
}
