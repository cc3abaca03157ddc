import { Section } from '../ui/page.tsx'
import { Switch } from '../ui/switch.tsx'
import type { Limits } from './answers.ts'
import { Setting } from './setting.tsx'
import { hoursOf, wholeBetween } from './setting-values.ts'
import { useChange, useMayOperate } from './use-change.ts'

export const LIMITS_PATH = '/v1/gpu/limits'

const none = <span className="faint">no limit</span>

/** How far the owner lets the devices be used, each changed at its place; what holds is kept over restarts. */
export function LimitsSection({ limits }: { limits: Limits }) {
  const { save, change, isPending } = useChange<Limits>(LIMITS_PATH, 'The limits hold from now on')
  const mayOperate = useMayOperate()
  const { maxTempC, maxPowerW, maxLoadPercent, workHours, pauseWhenUsed } = limits
  const figure = (value: number | null, unit: string) =>
    value === null ? none : `${value} ${unit}`
  return (
    <Section title="Limits">
      <Setting
        name="Temperature"
        shown={figure(maxTempC, '°C')}
        warning={unmeasured(limits, 'maxTempC')}
        text={String(maxTempC ?? '')}
        unit="°C"
        hint="A hotter device is paused until it has cooled. Nothing: no limit."
        read={wholeBetween(30, 120)}
        onSave={(value) => save({ maxTempC: value })}
      />
      <Setting
        name="Power"
        shown={figure(maxPowerW, 'W each')}
        warning={unmeasured(limits, 'maxPowerW')}
        text={String(maxPowerW ?? '')}
        unit="W"
        hint="Kept by the driver where it lets us, by pausing elsewhere. Nothing: no limit."
        read={wholeBetween(1, 10_000)}
        onSave={(value) => save({ maxPowerW: value })}
      />
      <Setting
        name="Load"
        shown={figure(maxLoadPercent, '% of the time')}
        warning={unmeasured(limits, 'maxLoadPercent')}
        text={String(maxLoadPercent ?? '')}
        unit="%"
        hint="Share of the time that proofs and leases may take. Nothing: all of it."
        read={wholeBetween(1, 100)}
        onSave={(value) => save({ maxLoadPercent: value })}
      />
      <Setting
        name="Hours"
        shown={
          workHours.length === 0 ? <span className="faint">always</span> : workHours.join(', ')
        }
        text={workHours.join(', ')}
        hint="By this machine's clock, such as mon-fri 18:00-08:00, sat-sun. Nothing: always."
        read={hoursOf}
        onSave={(value) => save({ workHours: value })}
      />
      <div className="setting-switch">
        <Switch
          isOn={pauseWhenUsed}
          isDisabled={!mayOperate || isPending}
          onChange={(isOn) => void change({ pauseWhenUsed: isOn })}
        >
          Pause a device while others use it
        </Switch>
      </div>
    </Section>
  )
}

/** Devices on which nobody measures what a limit is about. */
function unmeasured(
  { gpus }: Limits,
  limit: 'maxTempC' | 'maxPowerW' | 'maxLoadPercent',
): string | undefined {
  const blind = gpus.filter((gpu) => gpu.unmeasured.includes(limit)).map(({ id }) => id)
  return blind.length === 0 ? undefined : `not measured on ${blind.join(', ')}: it cannot be kept`
}
