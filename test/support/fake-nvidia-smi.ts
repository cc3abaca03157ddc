import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requireOrSkip } from './skips.ts'

/** The columns of the fixtures under test/vectors/nvidia-smi, as `nvidia-smi --query-gpu` calls them. */
export const SMI_COLUMNS =
  'index,name,uuid,serial,pci.bus_id,pci.device_id,driver_version,vbios_version,compute_cap,memory.total,memory.used,memory.free,utilization.gpu,utilization.memory,temperature.gpu,power.draw,enforced.power.limit,power.max_limit,clocks.max.sm,clocks.sm,pcie.link.gen.current,pcie.link.width.current,mig.mode.current,compute_mode,ecc.errors.uncorrected.volatile.total,fan.speed,clocks.mem,pcie.link.gen.max'.split(
    ',',
  )

/** How the fake answers from now on. */
export interface SmiState {
  /** A fixture's name, e.g. `h100x2`. */
  readonly fixture?: string
  /** Fields that this driver does not know. */
  readonly unknown?: readonly string[]
  /** Values in place of the fixture's: by GPU index, then by field. */
  readonly set?: Readonly<Record<number, Readonly<Record<string, string>>>>
  /** GPUs that it does not list any more. */
  readonly hidden?: readonly number[]
  /** GPUs that fell off the bus, with the words of the driver, e.g. `GPU is lost`: they fail every query but those of others. */
  readonly lost?: Readonly<Record<number, string>>
  /** GPUs whose queries take 20 s. */
  readonly hanging?: readonly number[]
  /** Printed in place of an answer, with exit code 9. */
  readonly fails?: string
  readonly delayMs?: number
  /** What `-L` prints. */
  readonly listing?: string
  /** What `--query-compute-apps=gpu_uuid,pid,used_memory` prints. */
  readonly apps?: string
  /** Whether `-pl` is permitted. */
  readonly isRoot?: boolean
}

export interface FakeSmi extends Disposable {
  /** The environment in which it, and nothing else, is found. */
  readonly env: { readonly PATH: string }
  /** The same for all drivers, without the library of a driver that this machine may have. */
  readonly options: { readonly env: { readonly PATH: string }; readonly nvmlLibraries: [] }
  readonly folder: string
  set(state: SmiState): void
  /** Every command line it was called with. */
  calls(): string[]
}

/** A driver of the machine itself would be asked before the fake; for `describe.skipIf(hasOwnGpu)`. */
export const hasOwnGpu = !requireOrSkip(
  !existsSync('/proc/driver/nvidia/version'),
  "a machine without NVIDIA's own driver",
)

const vectors = join(import.meta.dirname, '../vectors/nvidia-smi')

/** A program that answers like nvidia-smi out of a fixture, and refuses fields it does not know. */
export function fakeNvidiaSmi(first: SmiState = {}): FakeSmi {
  const folder = mkdtempSync(join(tmpdir(), 'fake-smi-'))
  const [stateFile, callsFile] = [join(folder, 'state.json'), join(folder, 'calls')]
  const set = (state: SmiState): void => writeFileSync(stateFile, JSON.stringify(state))
  set(first)
  writeFileSync(callsFile, '')
  writeFileSync(join(folder, 'nvidia-smi'), programText(stateFile, callsFile))
  chmodSync(join(folder, 'nvidia-smi'), 0o755)
  return {
    env: { PATH: folder },
    options: { env: { PATH: folder }, nvmlLibraries: [] },
    folder,
    set,
    calls: () => readFileSync(callsFile, 'utf8').split('\n').filter(Boolean),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

const programText = (stateFile: string, callsFile: string): string => `#!${process.execPath}
const { appendFileSync, readFileSync } = require('node:fs')
const args = process.argv.slice(2)
appendFileSync(${JSON.stringify(callsFile)}, args.join(' ') + '\\n')
const state = JSON.parse(readFileSync(${JSON.stringify(stateFile)}, 'utf8'))
const columns = ${JSON.stringify(SMI_COLUMNS)}
const say = (code, text) => { console.log(text); process.exitCode = code }
const value = (field) => args.find((arg) => arg.startsWith(field + '='))?.slice(field.length + 1)
const rows = () => readFileSync(${JSON.stringify(vectors)} + '/' + (state.fixture ?? 'h100x2') + '.csv', 'utf8')
  .trim().split('\\n').map((line) => line.split(', '))
  .filter((cells) => !(state.hidden ?? []).includes(Number(cells[0])))
function answer() {
  if (state.fails !== undefined) return say(9, state.fails)
  if (args[0] === '-L') return say(0, state.listing ?? '')
  const which = args[0] === '-i' ? args[1] : undefined
  const chosen = rows().filter((cells) => which === undefined || which === cells[0] || which === cells[2])
  const lost = chosen.find((cells) => state.lost?.[cells[0]])
  if (lost) {
    const address = lost[columns.indexOf('pci.bus_id')].slice(4)
    return say(15, 'Unable to determine the device handle for GPU' + address + ': ' + state.lost[lost[0]] + '.  Reboot the system to recover this GPU')
  }
  if (chosen.length === 0) return say(6, 'No devices were found')
  if (which !== undefined && chosen.some((cells) => (state.hanging ?? []).includes(Number(cells[0])))) return setTimeout(() => undefined, 20000)
  if (args.includes('-pl')) {
    return state.isRoot ? say(0, 'All done.') : say(4, 'Setting power limit is not permitted: Insufficient Permissions')
  }
  if (value('--query-compute-apps') !== undefined) return say(0, state.apps ?? '')
  const asked = value('--query-gpu').split(',')
  const stranger = asked.find((field) => !columns.includes(field) || (state.unknown ?? []).includes(field))
  if (stranger) return say(2, 'Field "' + stranger + '" is not a valid field to query.')
  const cell = (cells, field) => state.set?.[cells[0]]?.[field] ?? cells[columns.indexOf(field)]
  say(0, chosen.map((cells) => asked.map((field) => cell(cells, field)).join(', ')).join('\\n'))
}
setTimeout(answer, state.delayMs ?? 0)
`
