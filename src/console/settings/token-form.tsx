import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { MadeToken } from '../../api/access.ts'
import { post, toldOf } from '../app/api.ts'
import { Button } from '../ui/button.tsx'
import { Copyable } from '../ui/copyable.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Field } from '../ui/field.tsx'
import { Select } from '../ui/select.tsx'
import { useToast } from '../ui/toast.tsx'
import { scopeWords, TOKENS_PATH, ttlChoices } from './token-words.ts'

const SCOPES = Object.entries(scopeWords).map(([id, words]) => ({ id, title: `${id}: ${words}` }))

/** Makes a token, and shows its secret the one time that it can be shown. */
export function TokenForm({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const [made, setMade] = useState<MadeToken>()
  const close = (): void => {
    setMade(undefined)
    onClose()
  }
  return (
    <Dialog
      title={made === undefined ? 'New token' : 'Take the token now'}
      isOpen={isOpen}
      onClose={close}
    >
      {made === undefined ? <Form onMade={setMade} /> : <Secret made={made} onClose={close} />}
    </Dialog>
  )
}

function Form({ onMade }: { onMade: (made: MadeToken) => void }) {
  const [label, setLabel] = useState('')
  const [scope, setScope] = useState('read')
  const [ttl, setTtl] = useState('30')
  const client = useQueryClient()
  const tell = useToast()
  const { mutate, isPending } = useMutation({
    mutationFn: () => {
      const ttlMs = ttlChoices.find(({ id }) => id === ttl)?.ttlMs
      return post<MadeToken>(TOKENS_PATH, {
        label: label.trim(),
        scope,
        ...(ttlMs === undefined ? {} : { ttlMs }),
      })
    },
    onSuccess(made) {
      void client.invalidateQueries({ queryKey: [TOKENS_PATH] })
      onMade(made)
    },
    onError(error) {
      const { message, next } = toldOf(error)
      tell({ tone: 'bad', title: message, detail: next })
    },
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (label.trim() !== '') mutate()
  }
  return (
    <form className="token-form" onSubmit={submit}>
      <Field
        label="Name"
        hint="What you call the program that uses it."
        value={label}
        onChange={setLabel}
        maxLength={64}
        autoFocus
      />
      <Select label="It may" options={SCOPES} value={scope} onChange={setScope} />
      <Select label="It stands for" options={ttlChoices} value={ttl} onChange={setTtl} />
      <Button type="submit" kind="primary" isDisabled={isPending || label.trim() === ''}>
        Create token
      </Button>
    </form>
  )
}

function Secret({ made, onClose }: { made: MadeToken; onClose: () => void }) {
  return (
    <div className="token-form">
      <p>
        It is shown this once: the node keeps only a fingerprint of it. Programs send it as{' '}
        <code>Authorization: Bearer …</code>
      </p>
      <div className="token-secret">
        <Copyable text={made.token} what="token" />
      </div>
      <Button kind="primary" onPress={onClose}>
        I have it
      </Button>
    </div>
  )
}
