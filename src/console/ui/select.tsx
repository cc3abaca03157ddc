import { ChevronDown } from 'lucide-react'
import { Button } from 'react-aria-components/Button'
import { Label } from 'react-aria-components/Label'
import { ListBox, ListBoxItem } from 'react-aria-components/ListBox'
import { Popover } from 'react-aria-components/Popover'
import { Select as AriaSelect, SelectValue } from 'react-aria-components/Select'
import './select.css'

export interface SelectProps {
  readonly label: string
  /** The label is for a screen reader alone, where the place says it. */
  readonly hidesLabel?: boolean
  readonly options: readonly { readonly id: string; readonly title: string }[]
  readonly value: string
  readonly onChange: (id: string) => void
}

/** One of a list; opens on press, letters jump. */
export function Select({ label, hidesLabel = false, options, value, onChange }: SelectProps) {
  return (
    <AriaSelect
      className="select"
      value={value}
      onChange={(key) => onChange(String(key))}
      {...(hidesLabel ? { 'aria-label': label } : {})}
    >
      {hidesLabel ? null : <Label>{label}</Label>}
      <Button className="button button-plain">
        <SelectValue />
        <ChevronDown aria-hidden="true" />
      </Button>
      <Popover className="popover">
        <ListBox className="menu">
          {options.map(({ id, title }) => (
            <ListBoxItem className="menu-item" id={id} key={id}>
              {title}
            </ListBoxItem>
          ))}
        </ListBox>
      </Popover>
    </AriaSelect>
  )
}
