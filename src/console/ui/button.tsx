import type { ReactNode } from 'react'
import { Button as AriaButton, type ButtonProps as AriaProps } from 'react-aria-components/Button'
import { Link } from 'wouter'
import './button.css'

export interface ButtonProps extends Omit<AriaProps, 'children' | 'className' | 'style'> {
  readonly children?: ReactNode
  /** `primary` is the one thing a place is for; `danger` cannot be taken back; `quiet` shows no border; `active` is set. */
  readonly kind?: 'primary' | 'plain' | 'quiet' | 'danger' | 'active'
  /** Shown alone it needs `label`. */
  readonly icon?: ReactNode
  /** What a screen reader says instead of the children. */
  readonly label?: string | undefined
}

/** A button: acts at once, shows that it works with `isPending`, and says why it cannot by being absent. */
export function Button({
  kind = 'plain',
  icon,
  label,
  children,
  isPending = false,
  onPress,
  ...props
}: ButtonProps) {
  const only = children === undefined ? ' button-only' : ''
  // What react-aria itself makes of a pending button announces it by an image whose name goes with the button.
  const press = isPending || onPress === undefined ? {} : { onPress }
  return (
    <AriaButton
      {...props}
      {...press}
      {...(isPending ? { 'data-pending': true } : {})}
      {...(label === undefined ? {} : { 'aria-label': label })}
      className={`button button-${kind}${only}`}
    >
      {icon}
      {children}
    </AriaButton>
  )
}

export interface LinkButtonProps {
  /** A route of the console. */
  readonly to: string
  readonly kind?: NonNullable<ButtonProps['kind']>
  readonly icon?: ReactNode
  readonly children: ReactNode
}

/** A link that looks like a button, because it leads to where the thing is done. */
export function LinkButton({ to, kind = 'plain', icon, children }: LinkButtonProps) {
  return (
    <Link href={to} className={`button button-${kind}`}>
      {icon}
      {children}
    </Link>
  )
}
