import { Pencil } from 'lucide-react'
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import { toldOf } from '../app/api.ts'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import type { Written } from './setting-values.ts'
import { useMayOperate } from './use-change.ts'

export interface SettingProps<T> {
  readonly name: string
  /** What it is now, to read. */
  readonly shown: ReactNode
  /** The same to write over. */
  readonly text: string
  readonly unit?: string
  /** What it does, and what nothing means. */
  readonly hint: string
  /** What stands in the way of it. */
  readonly warning?: ReactNode
  readonly read: (text: string) => Written<T>
  /** Rejects where the node refuses: what was written stays then, and the reason stands below it. */
  readonly onSave: (value: T) => Promise<unknown>
}

/** One setting, changed at its place: Enter saves, Escape leaves it as it was. */
export function Setting<T>(props: SettingProps<T>) {
  const { name, shown, warning } = props
  const [isOpen, setOpen] = useState(false)
  const pencil = useRef<HTMLDivElement>(null)
  const mayOperate = useMayOperate()
  const close = (): void => {
    setOpen(false)
    requestAnimationFrame(() => pencil.current?.querySelector('button')?.focus())
  }
  if (isOpen) return <Editor {...props} onClose={close} />
  return (
    <div className="setting" ref={pencil}>
      <span className="setting-name">{name}</span>
      <span className="setting-value num">
        {shown}
        {warning === undefined ? null : <span className="setting-warning">{warning}</span>}
      </span>
      {mayOperate ? (
        <Button
          kind="quiet"
          icon={<Pencil aria-hidden="true" />}
          label={`Change ${name.toLowerCase()}`}
          onPress={() => setOpen(true)}
        />
      ) : null}
    </div>
  )
}

function Editor<T>({ name, text, unit, hint, read, onSave, onClose }: EditorProps<T>) {
  const [draft, setDraft] = useState(text)
  const [isSaving, setSaving] = useState(false)
  const [wasTried, setTried] = useState(false)
  const [refusal, setRefusal] = useState<string>()
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => form.current?.querySelector('input')?.select(), [])
  const written = read(draft)
  const error = wasTried && 'error' in written ? written.error : refusal
  const write = (now: string): void => {
    setDraft(now)
    setRefusal(undefined)
  }
  const save = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    setTried(true)
    if ('error' in written) return
    setSaving(true)
    try {
      await onSave(written.value)
      onClose()
    } catch (refused) {
      const { message, next } = toldOf(refused)
      setRefusal(next === undefined ? message : `${message}: ${next}`)
      setSaving(false)
      form.current?.querySelector('input')?.focus() // its description is read out with it
    }
  }
  return (
    <form
      className="setting-editor"
      ref={form}
      onSubmit={(event) => void save(event)}
      onKeyDown={(event) => event.key === 'Escape' && onClose()}
    >
      <Field
        label={name}
        hint={hint}
        error={error}
        value={draft}
        onChange={write}
        {...(unit === undefined ? {} : { unit })}
      />
      <span className="setting-actions">
        <Button type="submit" kind="primary" isDisabled={isSaving}>
          Save
        </Button>
        <Button kind="quiet" onPress={onClose}>
          Cancel
        </Button>
      </span>
    </form>
  )
}

interface EditorProps<T> extends SettingProps<T> {
  readonly onClose: () => void
}
