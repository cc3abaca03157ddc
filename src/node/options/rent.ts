import { hoursMs } from '../../units.ts'
import { flag, list, maybe, type Option, option } from './option.ts'
import { image, leaseHours, peer, price } from './parse/lease.ts'
import { duration } from './parse/measures.ts'
import { text } from './parse/plain.ts'

/** Of single commands: what is rented, and how. */
export const rentOptions = {
  order: maybe('command', 'Fields to order by; - in front is descending', 'FIELDS', text, {
    short: 'o',
  }),
  image: maybe('command', 'Container image to run', 'IMAGE', image),
  registryAuth: maybe(
    'command',
    'Login at the registry of the image: a file, - for standard input, or docker for what docker login kept',
    'SOURCE',
    text,
  ),
  hours: option('command', 'How long to rent, or how much longer, in hours', 'H', leaseHours, 1),
  template: maybe(
    'command',
    'Template to rent as: a name of compute-node templates, or a JSON file',
    'NAME|FILE',
    text,
  ),
  maxDph: maybe('command', 'Highest price per hour to accept', 'PRICE', price),
  wait: maybe(
    'command',
    'Wait, so long at most (alone: 24h): rent in a queue when nothing is free, drain until no lease runs',
    'TIME',
    duration,
    { bare: '24h' },
  ),
  maxCost: maybe('command', 'The most that the lease may cost in all', 'AMOUNT', price),
  exclusive: flag(
    'command',
    'Rent GPUs that prove nothing meanwhile, at the offer’s price for that',
  ),
  prepaid: option(
    'command',
    'How far to sign in advance, so that this machine may be away that long; 0s: not at all',
    'TIME',
    duration,
    hoursMs(1),
    { defaultText: '1h' },
  ),
  authorize: list('command', 'PeerId that may enter the lease too', 'PEER', peer),
  jupyter: flag('command', 'Start Jupyter in the lease and show it on this machine until Ctrl-C'),
} as const satisfies Readonly<Record<string, Option<unknown>>>
