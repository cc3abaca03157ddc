import { readFile, stat, writeFile } from 'node:fs/promises'
import { parseScenario, type Scenario, scenarioText } from '../../chain/yuma/scenario.ts'
import type { Course } from '../../chain/yuma/simulate.ts'
import type { WhatIf } from '../../chain/yuma/what-if.ts'
import { messageOf, NodeError } from '../../errors.ts'
import { MiB } from '../../units.ts'
import type { Config } from '../config.ts'
import { parseTao } from '../format-tao.ts'
import { createOutput, type Output, renderTable } from '../output.ts'
import { simulationAsked } from '../simulate-asked.ts'
import { simulationColumns } from '../simulation-table.ts'
import { withChain } from '../with-chain.ts'
import type { CommandContext, Run } from './command.ts'

/** 4096 neurons with every weight and bond are about this long. */
const MAX_FILE_BYTES = 512 * MiB

/** Shows what the next epochs would pay everybody by the weights that stand, or by what the options change. */
export const chainSimulate: Run = async (context) => {
  const { config, terminal } = context
  const whatIf = whatIfOf(config)
  const read = await readScenario(context)
  if (config.out !== undefined) await save(config.out, read)
  const course = courseOf(config, read)
  const simulation = simulationAsked({ scenario: read, whatIf, course })
  const out = createOutput(terminal, config)
  remark(out, course)
  const { block, epochs, yuma, emission, items } = simulation
  out.note(
    `Yuma${yuma} at block ${block}${epochs > 1 ? ` and ${epochs - 1} epochs more` : ''}: ${emission} alpha an epoch`,
  )
  const width = terminal.stdout.isTTY === true ? terminal.stdout.columns : undefined
  const table = (): string =>
    renderTable(items, simulationColumns(simulation), { width, style: out.style }).join('\n')
  out.value(simulation, table, items.map(({ uid }) => uid).join('\n'))
  return 0
}

/** What the chain holds now, or what a file saved. */
async function readScenario(context: CommandContext): Promise<Scenario> {
  const { file } = context.config
  if (file !== undefined) return parseScenario(await readText(file))
  const reading = await withChain(context, ({ chain, net }) => chain.yuma(net.netuid))
  const { hotkeys, state, emission } = reading
  if (hotkeys.length > 0) return { hotkeys, state, emission }
  throw new NodeError('CHAIN_EMPTY_SUBNET', 'nobody is registered in this subnet', {
    next: 'check --netuid and --chain, or give a saved one with --file',
  })
}

async function readText(path: string): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size <= MAX_FILE_BYTES) return await readFile(path, 'utf8')
  } catch (cause) {
    throw new NodeError('BAD_CONFIG_FILE', `cannot read ${path}: ${messageOf(cause)}`, {
      cause,
      next: 'make one with compute-node chain simulate --out FILE',
    })
  }
  throw new NodeError('BAD_CONFIG_FILE', `${path} is larger than any scenario`, {
    next: 'make one with compute-node chain simulate --out FILE',
  })
}

async function save(path: string, scenario: Scenario): Promise<void> {
  try {
    await writeFile(path, scenarioText(scenario))
  } catch (cause) {
    throw new NodeError('BAD_CONFIG_FILE', `cannot write ${path}: ${messageOf(cause)}`, {
      cause,
      next: 'name a file in a folder that exists',
    })
  }
}

/** What the options change of what was read; BAD_CONFIG_VALUE for a stake that is not of a uid. */
function whatIfOf({ setWeights, stake, kappa, yuma, emission, cabal }: Config): WhatIf {
  return {
    weights: setWeights,
    stakes: stake.map((said) => {
      const [uid, amount] = said.split('=')
      const counted = amount === undefined ? undefined : parseTao(amount)
      if (counted !== undefined) return { uid: Number(uid), stake: counted }
      throw new NodeError('BAD_CONFIG_VALUE', `--stake: ${said} says no uid`, {
        next: 'write UID=ALPHA, such as --stake 3=1000',
      })
    }),
    kappa: kappa === undefined ? undefined : Math.floor(kappa * 65_535),
    yuma3: yuma === undefined ? undefined : yuma === '3',
    emission: emission === undefined ? undefined : parseTao(emission),
    cabal,
  }
}

const courseOf = (config: Config, { state }: Scenario): Course => ({
  epochs: config.epochs,
  drift: (config.drift ?? 0) / 100,
  hiddenEpochs: config.commitReveal ?? (state.parameters.commitReveal ? 1 : 0),
  copier: config.copier,
})

/** What a reader of the figures could overlook. */
function remark(out: Output, { copier, drift, epochs }: Course): void {
  if (copier !== undefined && (drift === 0 || epochs === 1))
    out.note('what never changes can be copied at no loss: add --drift and --epochs')
}
