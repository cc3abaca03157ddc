import { X } from 'lucide-react'
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react'
import { Button } from './button.tsx'
import './toast.css'

export interface ToastText {
  readonly tone?: 'neutral' | 'good' | 'bad'
  readonly title: string
  readonly detail?: string | undefined
}

type Tell = (toast: ToastText) => void

/** News stays long enough to be read; bad news stays until it is closed. */
const SHOWN_MS = 6000

const ToastContext = createContext<Tell>(() => undefined)

/** Tells of something that happened, at the corner: `const tell = useToast()`. */
export const useToast = (): Tell => useContext(ToastContext)

/** The place where toasts appear; once, around the whole console. */
export function ToastPlace({ children }: { children: ReactNode }) {
  const [shown, setShown] = useState<readonly (ToastText & { readonly id: number })[]>([])
  const close = useCallback((id: number) => setShown((all) => all.filter((t) => t.id !== id)), [])
  const tell = useMemo(() => {
    let last = 0
    return (toast: ToastText): void => {
      const id = ++last
      setShown((all) => [...all.slice(-3), { ...toast, id }])
      if (toast.tone !== 'bad') setTimeout(() => close(id), SHOWN_MS)
    }
  }, [close])
  return (
    <ToastContext value={tell}>
      {children}
      <section className="toasts" aria-live="polite" aria-label="News">
        {shown.map(({ id, tone = 'neutral', title, detail }) => (
          <div className={`toast toast-${tone}`} key={id}>
            <div>
              <strong>{title}</strong>
              {detail === undefined ? null : <p>{detail}</p>}
            </div>
            <Button
              kind="quiet"
              icon={<X aria-hidden="true" />}
              label="Close"
              onPress={() => close(id)}
            />
          </div>
        ))}
      </section>
    </ToastContext>
  )
}
