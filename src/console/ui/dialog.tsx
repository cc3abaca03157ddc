import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { Dialog as AriaDialog } from 'react-aria-components/Dialog'
import { Heading } from 'react-aria-components/Heading'
import { Modal, ModalOverlay } from 'react-aria-components/Modal'
import { Button } from './button.tsx'
import './dialog.css'

export interface DialogProps {
  readonly title: string
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly children: ReactNode
  /** Buttons, the one that goes on last. */
  readonly actions?: ReactNode
  /** `side` slides in at the edge and leaves the page to be read beside it on wide screens. */
  readonly place?: 'middle' | 'side'
}

/** A window over the page: takes the focus, gives it back, closes on Escape and on a press outside. */
export function Dialog({
  title,
  isOpen,
  onClose,
  children,
  actions,
  place = 'middle',
}: DialogProps) {
  return (
    <ModalOverlay
      className={`dialog-veil dialog-${place}`}
      isOpen={isOpen}
      onOpenChange={(open) => open || onClose()}
      isDismissable
    >
      <Modal className="dialog-box">
        <AriaDialog className="dialog">
          <header>
            <Heading slot="title" level={2}>
              {title}
            </Heading>
            <Button kind="quiet" icon={<X aria-hidden="true" />} label="Close" onPress={onClose} />
          </header>
          <div className="dialog-body">{children}</div>
          {actions === undefined ? null : <footer>{actions}</footer>}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  )
}
