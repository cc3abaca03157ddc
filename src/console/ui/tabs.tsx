import type { ReactNode } from 'react'
import { Tabs as AriaTabs, Tab, TabList, TabPanel } from 'react-aria-components/Tabs'
import './tabs.css'

export interface TabItem {
  readonly id: string
  readonly title: string
  readonly content: ReactNode
}

export interface TabsProps {
  /** What the tabs are of, for a screen reader. */
  readonly label: string
  readonly items: readonly TabItem[]
  /** The open tab; with `onChange` its owner keeps it, e.g. in the address. */
  readonly selected?: string
  readonly onChange?: (id: string) => void
}

/** Views of one thing, one at a time; arrow keys move between them. Only the open one is mounted. */
export function Tabs({ label, items, selected, onChange }: TabsProps) {
  return (
    <AriaTabs
      className="tabs"
      {...(selected === undefined ? {} : { selectedKey: selected })}
      onSelectionChange={(key) => onChange?.(String(key))}
    >
      <TabList className="tab-list" aria-label={label}>
        {items.map(({ id, title }) => (
          <Tab className="tab" id={id} key={id}>
            {title}
          </Tab>
        ))}
      </TabList>
      {items.map(({ id, content }) => (
        <TabPanel className="tab-panel" id={id} key={id}>
          {content}
        </TabPanel>
      ))}
    </AriaTabs>
  )
}
