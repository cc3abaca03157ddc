import type { Column } from './output.ts'
import { bar, sparkline } from './plot.ts'
import type { SimulatedNeuron, Simulation } from './simulation.ts'

const PLOT_WIDTH = 24

const share = (u16: number): string => (u16 / 65_535).toFixed(4)
const alpha = (decimal: string): string => Number(decimal).toFixed(4)

/** The columns of a simulation for people: shares, what is paid, what it was without the what-ifs, and a plot. */
export function simulationColumns(simulation: Simulation): Column<SimulatedNeuron>[] {
  const { epochs, emission, items } = simulation
  const compared = items.some(({ before }) => before !== null)
  return [
    { title: 'UID', value: ({ uid }) => uid, align: 'right' },
    { title: 'HOTKEY', value: ({ hotkey }) => hotkey, shrinks: true },
    { title: 'STAKE', value: ({ stake }) => alpha(stake), align: 'right' },
    { title: 'SEAT', value: ({ validatorPermit }) => (validatorPermit ? 'yes' : 'no') },
    { title: 'VTRUST', value: ({ validatorTrust }) => share(validatorTrust), align: 'right' },
    { title: 'DIVIDENDS', value: ({ dividends }) => share(dividends), align: 'right' },
    { title: 'INCENTIVE', value: ({ incentive }) => share(incentive), align: 'right' },
    { title: 'BONDS', value: ({ bonds }) => bonds.length, align: 'right' },
    { title: 'EMISSION', value: (row) => alpha(row.emission), align: 'right' },
    ...(compared ? comparison : []),
    epochs === 1
      ? { title: 'SHARE', value: (row) => bar(Number(row.emission) / Number(emission), PLOT_WIDTH) }
      : {
          title: `EMISSION IN ${epochs} EPOCHS`,
          value: ({ course }) => sparkline(course.map(Number), PLOT_WIDTH),
        },
  ]
}

const comparison: Column<SimulatedNeuron>[] = [
  { title: 'WAS', value: ({ before }) => alpha(before!.emission), align: 'right' },
  { title: 'IN ALL', value: (row) => change(row.total, row.before!.total), align: 'right' },
]

/** How much more or less, in percent. */
function change(now: string, before: string): string {
  const [a, b] = [Number(now), Number(before)]
  if (b === 0) return a === 0 ? '=' : 'new'
  const percent = (100 * (a - b)) / b
  if (Math.abs(percent) < 0.005) return '='
  return `${percent > 0 ? '+' : ''}${percent.toFixed(2)} %`
}
