import { useNode } from '../app/node-data.tsx'
import { Badge, StateDot } from '../ui/badge.tsx'
import { bytesText } from '../ui/format.ts'
import { Section } from '../ui/page.tsx'
import { Problem } from '../ui/problem.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import type { Gpu, Limits } from './answers.ts'
import { Meter } from './meter.tsx'

const LIVE_MS = 2000
const EVENTS = ['gpu-paused', 'gpu-resumed', 'gpu-lost', 'gpu-filled', 'gpu-given-back'] as const
const MIB = 1024 * 1024
/** Where the bar of a temperature ends: hotter than any GPU lives. */
const HOTTEST_C = 110

/** The devices of a miner, live: how they are, how much of them is used, whether they prove. */
export function Gpus({ limits }: { limits: Limits | undefined }) {
  const { data, error, isPending, refetch } = useNode<{ readonly items: readonly Gpu[] }>(
    '/v1/gpu',
    { everyMs: LIVE_MS, events: EVENTS },
  )
  return (
    <Section title="Devices">
      {isPending ? <SkeletonRows rows={2} label="Loading the devices" /> : null}
      {data === undefined && error !== null ? (
        <Problem error={error} onRetry={() => void refetch()} />
      ) : null}
      <ul className="gpus">
        {data?.items.map((gpu) => (
          <Device key={gpu.id} gpu={gpu} limits={limits} />
        ))}
      </ul>
    </Section>
  )
}

const stateWords = {
  ok: ['good', 'works'],
  lost: ['bad', 'lost'],
  paused: ['warn', 'paused'],
  unfit: ['bad', 'unfit'],
} as const

function Device({ gpu, limits }: { gpu: Gpu; limits: Limits | undefined }) {
  const [tone, word] = stateWords[gpu.state]
  return (
    <li className="gpu">
      <div className="gpu-head">
        <strong>{gpu.name}</strong>
        <StateDot tone={tone}>{word}</StateDot>
        {gpu.proves ? <Badge tone="good">proves</Badge> : <Badge tone="warn">does not prove</Badge>}
        <span className="faint mono">{gpu.id}</span>
      </div>
      <Why gpu={gpu} />
      <Figures gpu={gpu} limits={limits} />
    </li>
  )
}

function Figures({ gpu, limits }: { gpu: Gpu; limits: Limits | undefined }) {
  const { utilizationPercent, memoryUsedMiB, temperatureC, powerW } = gpu
  const isTold = [utilizationPercent, memoryUsedMiB, temperatureC, powerW].some(
    (one) => one !== null,
  )
  if (!isTold)
    return <p className="faint">Nobody tells its load, memory, temperature and power here.</p>
  return (
    <div className="meters">
      <Meter
        name="Load"
        value={gpu.utilizationPercent}
        unit="%"
        of={100}
        limit={limits?.maxLoadPercent ?? null}
      />
      <Meter
        name="Memory"
        value={gpu.memoryUsedMiB}
        unit={`of ${bytesText(gpu.vramMiB * MIB)}`}
        of={gpu.vramMiB}
        format={(mib) => bytesText(mib * MIB)}
      />
      <Meter
        name="Temperature"
        value={gpu.temperatureC}
        unit="°C"
        of={HOTTEST_C}
        limit={limits?.maxTempC ?? null}
      />
      <Meter
        name="Power"
        value={gpu.powerW}
        unit="W"
        of={gpu.powerLimitW ?? Math.max(400, gpu.powerW ?? 0)}
        limit={limits?.maxPowerW ?? null}
      />
    </div>
  )
}

/** What is wrong with a device, or how it proves. */
function Why({ gpu }: { gpu: Gpu }) {
  const { proves, backend, proofN, proofBytes } = gpu
  const proof =
    proves && backend !== null
      ? `by ${backend}, matrices of ${proofN ?? '?'}, a fill of ${bytesText(proofBytes ?? 0)}`
      : undefined
  const wrong = [gpu.reason, gpu.provesNot, gpu.proofNotice, gpu.lastError].filter(
    (one) => one !== null,
  )
  return (
    <div className="gpu-why">
      {wrong.map((text) => (
        <p key={text}>{text}</p>
      ))}
      {proof === undefined ? null : <p className="faint">{proof}</p>}
    </div>
  )
}
