import { Plus, X } from 'lucide-react'
import { useState } from 'react'
import type { Lease } from '../../api/leases.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Field } from '../ui/field.tsx'
import { useLeaseAction } from './use-lease-action.ts'

type Row = readonly [name: string, value: string]

const NAME = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/

/** A lease's name and labels, which this node alone knows. */
export function LabelsDialog({ lease, onClose }: { lease: Lease; onClose: () => void }) {
  const { name: called = '', ...others } = lease.labels
  const [name, setName] = useState(called)
  const [rows, setRows] = useState<readonly Row[]>(Object.entries(others))
  const action = useLeaseAction(lease, 'labels', 'Labels are saved', onClose)
  const wrong = rows.map(([key]) =>
    key === '' || NAME.test(key) ? undefined : 'letters, digits and ._/-',
  )
  const submit = (): void => {
    if (wrong.some((text) => text !== undefined)) return
    const set = Object.fromEntries([
      ...(name.trim() === '' ? [] : [['name', name.trim()] as const]),
      ...rows.filter(([key]) => key !== ''),
    ])
    const remove = Object.keys(lease.labels).filter((key) => !(key in set))
    action.mutate({ body: { set, remove } })
  }
  const change = (at: number, row: Row): void =>
    setRows(rows.map((one, i) => (i === at ? row : one)))
  return (
    <Dialog
      title="Name and labels"
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button kind="primary" isPending={action.isPending} onPress={submit}>
            Save
          </Button>
        </>
      }
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          submit()
        }}
      >
        <Field
          label="Name"
          value={name}
          onChange={setName}
          maxLength={128}
          autoFocus
          placeholder={lease.id.slice(0, 12)}
          hint="Only this node knows it."
        />
        {rows.map(([key, value], i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: rows are told apart by their place alone
          <div className="pair" key={i}>
            <Field
              label="Label"
              value={key}
              onChange={(text) => change(i, [text, value])}
              error={wrong[i]}
            />
            <Field
              label="Value"
              value={value}
              onChange={(text) => change(i, [key, text])}
              maxLength={128}
            />
            <Button
              kind="quiet"
              icon={<X aria-hidden="true" />}
              label={`Remove label ${key}`}
              onPress={() => setRows(rows.filter((_, at) => at !== i))}
            />
          </div>
        ))}
        <Button icon={<Plus aria-hidden="true" />} onPress={() => setRows([...rows, ['', '']])}>
          Add a label
        </Button>
        <button type="submit" hidden />
      </form>
    </Dialog>
  )
}
