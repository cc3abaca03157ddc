import { ChevronDown } from 'lucide-react'
import { useMemo } from 'react'
import { Button } from '../ui/button.tsx'
import { ChoiceMenu } from '../ui/menu.tsx'
import { oneOf, type Place, valuesAt, withCondition } from './edit-query.ts'
import type { Offer } from './offer.ts'
import { valuesIn } from './offers-data.ts'
import './quick-filters.css'

export interface QuickFiltersProps {
  readonly text: string
  readonly onChange: (text: string) => void
  readonly offers: readonly Offer[]
}

const MOST_CHOICES = 24
const models: Place = { field: 'gpu_name', operators: ['=', 'in'] }
const regions: Place = { field: 'geolocation', operators: ['=', 'in'] }
const memory: Place = { field: 'gpu_ram', operators: ['>='] }
const count: Place = { field: 'num_gpus', operators: ['>='] }
const price: Place = { field: 'dph', operators: ['<='] }
const verified: Place = { field: 'verified', operators: ['='] }
const rentable: Place = { field: 'rentable', operators: ['='] }

/** The filters that are asked for most, as buttons: each writes its comparison into the query, and shows what stands there. */
export function QuickFilters({ text, onChange, offers }: QuickFiltersProps) {
  const set = (place: Place, condition: string | undefined): void =>
    onChange(withCondition(text, place, condition))
  const isVerified = valuesAt(text, verified)[0] === 'true'
  const showsLet = valuesAt(text, rentable)[0] === 'any'
  const common = { text, set }
  return (
    <fieldset className="quick">
      <legend className="visually-hidden">Quick filters</legend>
      <Many {...common} name="Model" place={models} offers={offers} />
      <AtLeast
        {...common}
        name="VRAM"
        place={memory}
        steps={[16, 24, 40, 48, 80, 141]}
        unit=" GiB"
      />
      <AtLeast {...common} name="GPUs" place={count} steps={[1, 2, 4, 8]} unit="" />
      <AtMost {...common} name="Price" place={price} offers={offers} />
      <Many {...common} name="Region" place={regions} offers={offers} />
      <Button
        kind={isVerified ? 'active' : 'plain'}
        aria-pressed={isVerified}
        onPress={() => set(verified, isVerified ? undefined : 'verified=true')}
      >
        Verified
      </Button>
      <Button
        kind={showsLet ? 'active' : 'plain'}
        aria-pressed={showsLet}
        onPress={() => set(rentable, showsLet ? undefined : 'rentable=any')}
      >
        Include let
      </Button>
    </fieldset>
  )
}

interface FilterProps {
  readonly name: string
  readonly text: string
  readonly place: Place
  readonly set: (place: Place, condition: string | undefined) => void
}

function Many({
  name,
  text,
  place,
  set,
  offers,
}: FilterProps & { readonly offers: readonly Offer[] }) {
  const { field } = place
  const choices = useMemo(() => valuesIn(offers, field).slice(0, MOST_CHOICES), [offers, field])
  const known = new Map(choices.map(({ value }) => [value.toLowerCase(), value]))
  const chosen = valuesAt(text, place).map((value) => known.get(value.toLowerCase()) ?? value)
  const shown = chosen.length > 2 ? `${chosen.length} chosen` : chosen.join(', ')
  return (
    <ChoiceMenu
      label={`${name}: ${shown || 'any'}`}
      title={<Title name={name} value={shown} />}
      isActive={chosen.length > 0}
      mode="many"
      entries={choices.map(({ value, count: many }) => ({
        id: value,
        title: `${value} (${many})`,
      }))}
      chosen={chosen}
      onChange={(next) => set(place, oneOf(field, next))}
    />
  )
}

const ANY = 'any'

function AtLeast({
  name,
  text,
  place,
  set,
  steps,
  unit,
}: FilterProps & { readonly steps: readonly number[]; readonly unit: string }) {
  const value = valuesAt(text, place)[0]
  return (
    <OneOf
      name={name}
      value={value}
      shown={value === undefined ? '' : `≥ ${value}${unit}`}
      entries={steps.map((step) => ({ id: String(step), title: `At least ${step}${unit}` }))}
      onChange={(id) => set(place, id === ANY ? undefined : `${place.field}>=${id}`)}
    />
  )
}

/** Its steps are round prices that part the offers there are. */
function AtMost({
  name,
  text,
  place,
  set,
  offers,
}: FilterProps & { readonly offers: readonly Offer[] }) {
  const value = valuesAt(text, place)[0]
  const steps = useMemo(() => priceSteps(offers), [offers])
  return (
    <OneOf
      name={name}
      value={value}
      shown={value === undefined ? '' : `≤ ${value}/h`}
      entries={steps.map((step) => ({ id: step, title: `At most ${step} per hour` }))}
      onChange={(id) => set(place, id === ANY ? undefined : `${place.field}<=${id}`)}
    />
  )
}

interface OneOfProps {
  readonly name: string
  readonly value: string | undefined
  readonly shown: string
  readonly entries: readonly { readonly id: string; readonly title: string }[]
  readonly onChange: (id: string) => void
}

function OneOf({ name, value, shown, entries, onChange }: OneOfProps) {
  return (
    <ChoiceMenu
      label={`${name}: ${shown || 'any'}`}
      title={<Title name={name} value={shown} />}
      isActive={value !== undefined}
      mode="one"
      entries={[{ id: ANY, title: 'Any' }, ...entries]}
      chosen={[value ?? ANY]}
      onChange={([id]) => id !== undefined && onChange(id)}
    />
  )
}

function Title({ name, value }: { name: string; value: string }) {
  return (
    <>
      {value === '' ? name : `${name} ${value}`}
      <ChevronDown aria-hidden="true" />
    </>
  )
}

const ROUND = [0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 50, 100] as const

function priceSteps(offers: readonly Offer[]): readonly string[] {
  const prices = offers.map(({ dph }) => Number(dph))
  const [least, most] = [Math.min(...prices), Math.max(...prices)]
  return ROUND.filter((step) => step >= least && step < most).map(String)
}
