import { Eye, EyeOff, Plus, X } from 'lucide-react'
import { useState } from 'react'
import type { Offer } from '../../api/offers.ts'
import type { Template } from '../../api/templates.ts'
import { useNode } from '../app/node-data.tsx'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { moneyText } from '../ui/format.ts'
import { Section } from '../ui/page.tsx'
import { Select } from '../ui/select.tsx'
import { Switch } from '../ui/switch.tsx'
import { exclusivePrice, numberOf } from './offer-facts.ts'
import { withTemplate } from './template-wish.ts'
import type { EnvRow, Faults, VolumeRow, Wish } from './wish.ts'

interface FormProps {
  readonly wish: Wish
  readonly onChange: (wish: Wish) => void
  readonly offer: Offer
  readonly faults: Faults
  readonly isTaken: boolean
  readonly isDisabled: boolean
}

/** What shall run, for how long, with what limits. */
export function WishForm(props: FormProps) {
  const { wish, onChange, offer, faults, isTaken, isDisabled } = props
  const set = (change: Partial<Wish>): void => onChange({ ...wish, ...change })
  return (
    <fieldset className="wish" disabled={isDisabled}>
      <Section title="What runs">
        <Templates wish={wish} onChange={onChange} />
        <div className="wish-grid">
          <Field
            label="Image"
            placeholder="this market’s usual one"
            value={wish.image}
            onChange={(image) => set({ image })}
            error={faults['image']}
            spellCheck="false"
          />
          <Field
            label="Command"
            placeholder="none: it idles for terminals"
            value={wish.command}
            onChange={(command) => set({ command })}
            error={faults['command']}
            hint="Split as a shell would; quote what belongs together."
            spellCheck="false"
          />
          <Field
            label="Name"
            placeholder="what you call it; only this node knows"
            value={wish.name}
            onChange={(name) => set({ name })}
            maxLength={128}
          />
          <Field
            label="Ports"
            placeholder="8888, 6006"
            value={wish.ports}
            onChange={(ports) => set({ ports })}
            error={faults['ports']}
            hint="One press away on the lease’s page."
          />
        </div>
      </Section>
      <Section title="For how long">
        <div className="wish-grid">
          <Field
            label="Hours"
            unit="h"
            inputMode="decimal"
            value={wish.hours}
            onChange={(hours) => set({ hours })}
            error={faults['hours']}
            hint={rangeText(offer)}
          />
          <Devices {...props} />
          <Field
            label="At most, in all"
            unit={String(offer['asset'] ?? '')}
            inputMode="decimal"
            placeholder="no cap of its own"
            value={wish.maxCost}
            onChange={(maxCost) => set({ maxCost })}
            error={faults['maxCost']}
          />
          <Field
            label="At most in a day, all leases"
            unit={String(offer['asset'] ?? '')}
            inputMode="decimal"
            placeholder="the node’s own cap"
            value={wish.maxDailyCost}
            onChange={(maxDailyCost) => set({ maxDailyCost })}
            error={faults['maxDailyCost']}
          />
        </div>
        {exclusivePrice(offer) === undefined ? null : (
          <Switch isOn={wish.exclusive} onChange={(exclusive) => set({ exclusive })}>
            No proofs meanwhile, for {moneyText(exclusivePrice(offer) ?? '')}{' '}
            {String(offer['asset'])} an hour
          </Switch>
        )}
        <div className="wish-wait">
          <Switch isOn={wish.waits} onChange={(waits) => set({ waits })} isDisabled={isTaken}>
            Wait in its queue when it is let
          </Switch>
          {wish.waits ? (
            <Field
              label="At most"
              unit="h"
              inputMode="decimal"
              value={wish.waitHours}
              onChange={(waitHours) => set({ waitHours })}
              error={faults['waitHours']}
            />
          ) : null}
        </div>
      </Section>
      <Environment rows={wish.env} onChange={(env) => set({ env })} faults={faults} />
      <Volumes rows={wish.volumes} onChange={(volumes) => set({ volumes })} faults={faults} />
      <Section title="Private image">
        <div className="wish-grid">
          <Field
            label="User at its registry"
            value={wish.username}
            onChange={(username) => set({ username })}
            autoComplete="off"
          />
          <Field
            label="Password or token"
            type="password"
            value={wish.password}
            onChange={(password) => set({ password })}
            error={faults['password']}
            autoComplete="new-password"
            hint="Goes to the miner for this one pull, and is kept nowhere."
          />
        </div>
      </Section>
    </fieldset>
  )
}

function rangeText(offer: Offer): string | undefined {
  const [least, most] = [numberOf(offer, 'min_duration'), numberOf(offer, 'duration')]
  if (least === undefined || most === undefined) return undefined
  const range = least === 0 ? `At most ${most} hours` : `From ${least} to ${most} hours`
  return `${range}; it can be extended later.`
}

function Devices({ wish, onChange, offer }: FormProps) {
  const of = offer.devices.length
  if (of < 2) return null
  return (
    <Select
      label="Devices"
      value={String(wish.devices)}
      onChange={(devices) => onChange({ ...wish, devices: Number(devices) })}
      options={[
        { id: '0', title: `all ${of}` },
        ...Array.from({ length: of - 1 }, (_, i) => ({
          id: String(i + 1),
          title: `${i + 1} of ${of}`,
        })),
      ]}
    />
  )
}

/** The catalogue, as a row of choices; a choice fills the form in. */
function Templates({ wish, onChange }: Pick<FormProps, 'wish' | 'onChange'>) {
  const { data } = useNode<{ items: readonly Template[] }>('/v1/templates')
  if (data === undefined || data.items.length === 0) return null
  return (
    <div className="templates" role="group" aria-label="Templates">
      {data.items.map((template) => (
        <button
          type="button"
          key={template.name}
          className="template"
          aria-pressed={wish.image === template.image}
          onClick={() => onChange(withTemplate(wish, template))}
        >
          <strong>{template.name}</strong>
          <span>{template.describe}</span>
        </button>
      ))}
    </div>
  )
}

interface RowsProps<Row> {
  readonly rows: readonly Row[]
  readonly onChange: (rows: readonly Row[]) => void
  readonly faults: Faults
}

const replaced = <Row,>(rows: readonly Row[], at: number, change: Partial<Row>): readonly Row[] =>
  rows.map((row, i) => (i === at ? { ...row, ...change } : row))

function Environment({ rows, onChange, faults }: RowsProps<EnvRow>) {
  const [isShown, setShown] = useState(false)
  return (
    <Section
      title="Variables"
      actions={
        rows.length === 0 ? null : (
          <Button
            kind="quiet"
            icon={isShown ? <EyeOff aria-hidden="true" /> : <Eye aria-hidden="true" />}
            onPress={() => setShown(!isShown)}
          >
            {isShown ? 'Hide values' : 'Show values'}
          </Button>
        )
      }
    >
      <div className="stack">
        {rows.map((row, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: rows are told apart by their place alone
          <div className="wish-row" key={i}>
            <Field
              label="Variable"
              value={row.name}
              onChange={(name) => onChange(replaced(rows, i, { name }))}
              error={faults[`env${i}`]}
              placeholder="HF_TOKEN"
              spellCheck="false"
            />
            <Field
              label="Value"
              type={isShown ? 'text' : 'password'}
              value={row.value}
              onChange={(value) => onChange(replaced(rows, i, { value }))}
              autoComplete="new-password"
            />
            <Remove
              what={`variable ${row.name}`}
              onPress={() => onChange(rows.filter((_, at) => at !== i))}
            />
          </div>
        ))}
        <Button
          icon={<Plus aria-hidden="true" />}
          onPress={() => onChange([...rows, { name: '', value: '' }])}
        >
          Add a variable
        </Button>
        <p className="field-hint">
          They go to the miner with the agreement, and this node keeps none.
        </p>
      </div>
    </Section>
  )
}

function Volumes({ rows, onChange, faults }: RowsProps<VolumeRow>) {
  return (
    <Section title="Volumes">
      <div className="stack">
        {rows.map((row, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: rows are told apart by their place alone
          <div className="wish-row" key={i}>
            <Field
              label="Volume"
              value={row.name}
              placeholder="data"
              onChange={(name) => onChange(replaced(rows, i, { name }))}
              error={faults[`volume${i}`]}
            />
            <Field
              label="Folder"
              value={row.path}
              placeholder="/data"
              onChange={(path) => onChange(replaced(rows, i, { path }))}
              error={faults[`path${i}`]}
            />
            <Field
              label="Size"
              unit="GiB"
              inputMode="decimal"
              placeholder="as it is"
              value={row.size}
              onChange={(size) => onChange(replaced(rows, i, { size }))}
              error={faults[`size${i}`]}
            />
            <span className="wish-switch">
              <Switch
                isOn={row.readOnly}
                onChange={(readOnly) => onChange(replaced(rows, i, { readOnly }))}
              >
                Read-only
              </Switch>
            </span>
            <Remove
              what={`volume ${row.name}`}
              onPress={() => onChange(rows.filter((_, at) => at !== i))}
            />
          </div>
        ))}
        {rows.length >= 8 ? null : (
          <Button
            icon={<Plus aria-hidden="true" />}
            onPress={() => onChange([...rows, { name: '', path: '', size: '', readOnly: false }])}
          >
            Add a volume
          </Button>
        )}
        <p className="field-hint">
          A folder that outlives the lease at its miner. A name that is kept there is mounted again;
          another name is a new volume.
        </p>
      </div>
    </Section>
  )
}

const Remove = ({ what, onPress }: { what: string; onPress: () => void }) => (
  <span className="wish-switch">
    <Button
      kind="quiet"
      icon={<X aria-hidden="true" />}
      label={`Remove ${what}`}
      onPress={onPress}
    />
  </span>
)
