import { list, maybe, type Option, option } from './option.ts'
import { price } from './parse/lease.ts'
import { oneOf, percent, share, text, whole } from './parse/plain.ts'
import { cabalOf, stakeOf, weightOf } from './parse/simulation.ts'

/** Of single commands: what a simulated subnet does. */
export const simulationOptions = {
  stake: list(
    'command',
    'TAO that shall be staked on the hotkey; in a simulation UID=ALPHA, what counts for a uid',
    'TAO',
    stakeOf,
  ),
  file: maybe('command', 'Saved scenario to read instead of the chain', 'FILE', text, {
    isPath: true,
  }),
  epochs: option('command', 'How many epochs, one after another', 'N', whole(1, 1000), 1),
  setWeights: list(
    'command',
    "One validator's weight for one uid, of 65535",
    'UID:UID=N',
    weightOf,
    [],
    {
      flag: 'set-weight',
    },
  ),
  kappa: maybe('command', 'Share of stake that must support a weight', 'SHARE', share),
  yuma: maybe(
    'command',
    'Kind of Yuma, if not the one that the subnet chose',
    'N',
    oneOf('2', '3'),
  ),
  emission: maybe('command', 'Alpha that an epoch shares out', 'ALPHA', price),
  cabal: maybe('command', 'Validators that give all to one miner', 'UID+UID:UID', cabalOf),
  copier: maybe('command', "Validator that copies the others' consensus", 'UID', whole(0, 65_535)),
  commitReveal: maybe(
    'command',
    "Epochs that weights stay hidden, 0 for not (default: as the subnet's)",
    'N',
    whole(0, 100),
  ),
  drift: maybe(
    'command',
    'How far what miners are worth moves in an epoch, in percent',
    'N',
    percent,
  ),
} as const satisfies Readonly<Record<string, Option<unknown>>>
