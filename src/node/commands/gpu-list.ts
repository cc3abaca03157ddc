import { sleep } from '../../clock.ts'
import { planProofs } from '../../gpu/plan-proofs.ts'
import { firstLook, telemetry } from '../../gpu/telemetry.ts'
import { secondsMs } from '../../units.ts'
import { type GpuRow, gpuRow } from '../gpu-rows.ts'
import { createOutput, type ListView } from '../output.ts'
import { askMiner } from '../own-devices.ts'
import { openDrivers } from '../own-drivers.ts'
import type { CommandContext, Run } from './command.ts'

/** How often `--watch` looks. */
const INTERVAL_MS = secondsMs(2)

/**
 * Lists what this machine has: its GPUs, or its CPU where there is none, with what is measured of them. Where a miner
 * runs in the data folder it is asked, for it knows what is paused; else the drivers are.
 */
export const gpuList: Run = async (context) => {
  const { config, terminal, signal } = context
  const output = createOutput(terminal, config)
  if (config.watch) return watch(context)
  for await (const rows of rowsOf(context)) {
    output.list(rows, view)
    if (rows.every(({ vendor }) => vendor === 'cpu')) {
      output.note('no GPU here: CPU capacity, which counts on local networks alone')
    }
    for (const { id, provesNot, proofNotice, foundBy } of rows) {
      if (foundBy !== undefined) output.note(`${id} was found by ${foundBy}: no tool tells of it`)
      if (provesNot !== null) output.note(`${id} does not prove: ${provesNot}`)
      if (proofNotice !== null)
        output.note(`${id} proves without subgroup matrices: ${proofNotice}`)
    }
    break
  }
  return signal.aborted ? 1 : 0
}

/** Until Ctrl-C: a table that is drawn again on a terminal, and below each other in a pipe; one line a sample as JSON. */
async function watch(context: CommandContext): Promise<number> {
  const { config, terminal } = context
  const output = createOutput(terminal, config)
  const redraws = terminal.stdout.isTTY === true && !config.json && !config.quiet
  let lines = 0
  for await (const rows of rowsOf(context)) {
    if (config.json) {
      for (const row of rows) output.event(row, () => row.id)
      continue
    }
    // Up to the table's first line, then everything below is cleared.
    if (redraws && lines > 0) terminal.stdout.write(`\u001b[${lines}A\u001b[J`)
    output.list(rows, view)
    lines = rows.length + 1
  }
  return 0
}

/** The devices again and again, from the node that runs here or else from the drivers; ends with the signal. */
async function* rowsOf(context: CommandContext): AsyncGenerator<readonly GpuRow[]> {
  const first = await askNode(context)
  yield* first === undefined ? ownRows(context) : nodeRows(context, first)
}

/** What the running miner says; undefined where none runs. */
const askNode = async ({
  config,
  signal,
}: CommandContext): Promise<readonly GpuRow[] | undefined> =>
  (await askMiner<{ items: readonly GpuRow[] }>(config, '/v1/gpu', signal))?.items

async function* nodeRows(
  context: CommandContext,
  first: readonly GpuRow[],
): AsyncGenerator<readonly GpuRow[]> {
  const { signal } = context
  let rows: readonly GpuRow[] | undefined = first
  while (rows !== undefined && !signal.aborted) {
    yield rows
    try {
      await sleep(INTERVAL_MS, signal)
      rows = await askNode(context)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
}

async function* ownRows({ config, signal }: CommandContext): AsyncGenerator<readonly GpuRow[]> {
  await using drivers = openDrivers(config)
  const first = await drivers.read()
  const { backend: choice, network, subgroupMatrix } = config
  const asked = { choice, network, subgroupMatrix }
  const plans = await planProofs(firstLook(first, Date.now()).samples, asked)
  const options = { drivers, first, intervalMs: INTERVAL_MS, nowMs: Date.now, signal }
  for await (const samples of telemetry(options)) {
    yield samples.map((sample) => gpuRow({ sample, paused: null }, plans.get(sample.gpu.id)))
  }
}

const unit = (value: number | null, of: string): string | null =>
  value === null ? null : `${Math.round(value)} ${of}`

const view: ListView<GpuRow> = {
  id: ({ id }) => id,
  columns: [
    { title: 'ID', value: ({ id }) => id },
    { title: 'NAME', value: ({ name }) => name, shrinks: true },
    { title: 'MEMORY', value: ({ vramMiB }) => `${vramMiB} MiB`, align: 'right' },
    { title: 'USED', value: ({ memoryUsedMiB }) => unit(memoryUsedMiB, 'MiB'), align: 'right' },
    { title: 'LOAD', value: ({ utilizationPercent: u }) => unit(u, '%'), align: 'right' },
    { title: 'TEMP', value: ({ temperatureC }) => unit(temperatureC, '°C'), align: 'right' },
    {
      title: 'POWER',
      value: ({ powerW, powerLimitW }) => power(powerW, powerLimitW),
      align: 'right',
    },
    { title: 'PCIE', value: ({ pcie }) => pcie && `gen${pcie.gen ?? '?'} x${pcie.width ?? '?'}` },
    { title: 'DRIVER', value: ({ driver }) => driver },
    { title: 'CC', value: ({ computeCapability }) => computeCapability },
    { title: 'BACKEND', value: ({ backend }) => backend },
    { title: 'PROVES', value: (row) => (row.proves ? 'yes' : 'no') },
    {
      title: 'STATE',
      value: ({ state, reason }) => (reason === null ? state : `${state}: ${reason}`),
    },
  ],
}

const power = (watts: number | null, limit: number | null): string | null =>
  watts === null && limit === null
    ? null
    : `${watts === null ? '?' : Math.round(watts)}/${limit === null ? '?' : Math.round(limit)} W`
