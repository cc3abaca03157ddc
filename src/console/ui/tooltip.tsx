import type { ReactElement } from 'react'
import { Focusable } from 'react-aria-components/Focusable'
import { Tooltip as AriaTooltip, TooltipTrigger } from 'react-aria-components/Tooltip'
import './tooltip.css'

const DELAY_MS = 400

/** A few words on what is under the pointer or has the focus; `children` is one focusable element. */
export function Tooltip({
  text,
  children,
}: {
  text: string
  children: ReactElement<object, 'span'>
}) {
  return (
    <TooltipTrigger delay={DELAY_MS}>
      <Focusable>{children}</Focusable>
      <AriaTooltip className="tooltip" offset={6}>
        {text}
      </AriaTooltip>
    </TooltipTrigger>
  )
}
