import { Check } from 'lucide-react'
import type { ReactNode } from 'react'
import { Menu as AriaMenu, MenuItem, MenuTrigger } from 'react-aria-components/Menu'
import { Popover } from 'react-aria-components/Popover'
import { Button } from './button.tsx'
import './menu.css'

export interface MenuEntry {
  readonly id: string
  readonly title: string
  readonly isDangerous?: boolean
}

interface Shown {
  /** On the button that opens it. */
  readonly title?: ReactNode
  readonly icon?: ReactNode
  /** For a screen reader: what the menu is of. */
  readonly label: string
  /** What it stands for is set: the button shows it. */
  readonly isActive?: boolean
  readonly entries: readonly MenuEntry[]
}

/** Things to do, behind one button. */
export function Menu({ onAction, ...shown }: Shown & { readonly onAction: (id: string) => void }) {
  return (
    <MenuFrame {...shown}>
      <AriaMenu className="menu" aria-label={shown.label} onAction={(key) => onAction(String(key))}>
        {shown.entries.map(({ id, title, isDangerous }) => (
          <MenuItem className={`menu-item${isDangerous ? ' menu-bad' : ''}`} id={id} key={id}>
            {title}
          </MenuItem>
        ))}
      </AriaMenu>
    </MenuFrame>
  )
}

interface ChoiceProps extends Shown {
  readonly mode: 'one' | 'many'
  readonly chosen: readonly string[]
  readonly onChange: (chosen: readonly string[]) => void
}

/** One or many of a few settings, behind one button; what is chosen is ticked. */
export function ChoiceMenu({ mode, chosen, onChange, ...shown }: ChoiceProps) {
  return (
    <MenuFrame {...shown}>
      <AriaMenu
        className="menu"
        aria-label={shown.label}
        selectionMode={mode === 'one' ? 'single' : 'multiple'}
        disallowEmptySelection={mode === 'one'}
        selectedKeys={chosen}
        onSelectionChange={(keys) =>
          onChange(keys === 'all' ? shown.entries.map(({ id }) => id) : [...keys].map(String))
        }
      >
        {shown.entries.map(({ id, title }) => (
          <MenuItem className="menu-item" id={id} key={id} textValue={title}>
            <span className="menu-tick" aria-hidden="true">
              {chosen.includes(id) ? <Check /> : null}
            </span>
            {title}
          </MenuItem>
        ))}
      </AriaMenu>
    </MenuFrame>
  )
}

function MenuFrame({
  title,
  icon,
  label,
  isActive = false,
  children,
}: Shown & { readonly children: ReactNode }) {
  return (
    <MenuTrigger>
      <Button
        kind={title === undefined ? 'quiet' : isActive ? 'active' : 'plain'}
        icon={icon}
        label={label}
      >
        {title}
      </Button>
      <Popover className="popover" placement="bottom end">
        {children}
      </Popover>
    </MenuTrigger>
  )
}
