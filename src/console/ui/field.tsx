import type { ReactNode } from 'react'
import { FieldError } from 'react-aria-components/FieldError'
import { Input } from 'react-aria-components/Input'
import { Label } from 'react-aria-components/Label'
import { Text } from 'react-aria-components/Text'
import { TextField, type TextFieldProps } from 'react-aria-components/TextField'
import './field.css'

export interface FieldProps extends Omit<TextFieldProps, 'children' | 'className' | 'style'> {
  readonly label: string
  /** What it takes, below it. */
  readonly hint?: ReactNode
  /** What is wrong with what stands there; undefined when nothing is. */
  readonly error?: string | undefined
  readonly placeholder?: string
  /** Behind the value, e.g. a unit. */
  readonly unit?: string
}

/** One line to write in, with its label, its unit, a hint, and what is wrong at its place. */
export function Field({ label, hint, error, placeholder, unit, ...props }: FieldProps) {
  return (
    <TextField {...props} className="field" isInvalid={error !== undefined}>
      <Label>{label}</Label>
      <span className="field-box">
        <Input className="field-input" {...(placeholder === undefined ? {} : { placeholder })} />
        {unit === undefined ? null : <span className="field-unit">{unit}</span>}
      </span>
      {hint === undefined ? null : (
        <Text slot="description" className="field-hint">
          {hint}
        </Text>
      )}
      <FieldError className="field-error">{error}</FieldError>
    </TextField>
  )
}
